"""The table of keys, actions and help. Bindings, footer, texts and docs/keys.md come from it; it imports no Textual."""

from collections.abc import Mapping
from enum import Enum

from msgspec import Struct


class Where(Enum):
    """A place where keys work."""

    ALWAYS = "On every screen"
    EVERYWHERE = "Everywhere in the room"
    COMPOSER = "While writing"
    MESSAGES = "On a highlighted message"
    CHANNELS = "In the list of channels"
    PEOPLE = "In the list of people"
    PROFILE = "In a profile"
    REPORTS = "In the list of your reports"
    FORM = "In the report form"
    REASONS = "In the list of reasons"
    COMMENT = "In the comment on a report"
    PICKER = "In a list of choices"
    SEARCH = "In the search"
    MENTIONS = "In the list of mentions"
    QUESTION = "In a question"
    EDITOR = "While editing a message"
    SETTINGS = "In the settings"
    START = "In the dialog for name and server"
    HELP = "In the list of keys"


KEY_NAMES = {"escape": "Esc", "pageup": "Page Up", "pagedown": "Page Down"}
"""The names of keys in sentences, where capitalising Textual's name is not enough."""
CHARACTERS = {"slash": "/", "question_mark": "?", "minus": "-", "plus": "+"}
"""The characters of keys that Textual calls by name."""
NUMBERED = "Channel or conversation at this position in the list"


class Key(Struct, frozen=True):
    """A key and its action. The footer shows `label` unless it is empty; the docs show `help`."""

    where: Where
    keys: str
    action: str
    help: str
    label: str = ""
    priority: bool = False

    @property
    def id(self) -> str:
        """A stable ID, by which the user's configuration assigns other keys."""
        action = self.action.removeprefix("app.").removeprefix("screen.")
        return f"{self.where.name.lower()}.{action.replace('(', '_').removesuffix(')')}"

    @property
    def now(self) -> str:
        """The current keys, separated by commas: those of the table, or the user's own."""
        return keys_of(self.id, self.keys)

    @property
    def in_palette(self) -> bool:
        """True if the command palette offers the key, because it works everywhere in the room."""
        return self.where is Where.EVERYWHERE and self.priority and self.action != "app.commands" and not self.numbered

    @property
    def numbered(self) -> bool:
        """True for the keys that differ only by a number."""
        return self.help == NUMBERED


KEYS = (
    Key(Where.ALWAYS, "f1,alt+h", "app.help", "All keys", "Keys", priority=True),
    Key(Where.EVERYWHERE, "ctrl+n,alt+down", "screen.next_channel(1)", "Next channel or conversation", priority=True),
    Key(
        Where.EVERYWHERE, "ctrl+p,alt+up", "screen.next_channel(-1)", "Previous channel or conversation", priority=True
    ),
    Key(Where.EVERYWHERE, "alt+left", "screen.step(-1)", "Back to the previous channel", priority=True),
    Key(Where.EVERYWHERE, "alt+right", "screen.step(1)", "Forward again, after going back", priority=True),
    Key(
        Where.EVERYWHERE,
        "alt+a",
        "screen.open_unread",
        "Next unread: conversations and mentions first",
        priority=True,
    ),
    Key(Where.EVERYWHERE, "alt+u", "screen.first_unread", "First unread message", priority=True),
    Key(
        Where.EVERYWHERE,
        "ctrl+k,alt+j",
        "screen.switch",
        "Go to a channel, conversation or person",
        "Go to",
        priority=True,
    ),
    *(
        Key(Where.EVERYWHERE, f"alt+{number}", f"screen.open_number({number})", NUMBERED, priority=True)
        for number in range(1, 10)
    ),
    Key(Where.EVERYWHERE, "ctrl+o,alt+o", "screen.people", "Who is here", "People", priority=True),
    Key(Where.EVERYWHERE, "ctrl+f,alt+s", "screen.search", "Search messages", priority=True),
    Key(Where.EVERYWHERE, "alt+r", "screen.edit_failed", "Edit the unsent message", "Fix unsent", priority=True),
    Key(Where.EVERYWHERE, "alt+m", "screen.mentions", "Mentions of you", priority=True),
    Key(
        Where.EVERYWHERE, "ctrl+r,alt+e", "screen.my_reports", "Your reports and their status", "Reports", priority=True
    ),
    Key(Where.EVERYWHERE, "ctrl+t,alt+t", "screen.my_status", "Set your status, or Do not disturb", priority=True),
    Key(Where.EVERYWHERE, "f2", "app.settings", "Settings: theme, notifications, mouse, name", priority=True),
    Key(Where.EVERYWHERE, "f4", "app.connect", "Connect to another server", priority=True),
    Key(Where.EVERYWHERE, "f5", "app.reconnect", "Reconnect now", priority=True),
    Key(Where.EVERYWHERE, "ctrl+g,alt+g", "app.commands", "Find a command", "Commands", priority=True),
    Key(Where.EVERYWHERE, "alt+y", "screen.accept_offer", "Mute the person you just reported", "Mute", priority=True),
    Key(Where.EVERYWHERE, "alt+k", "screen.decline_offer", "Do not mute that person", "Keep", priority=True),
    Key(
        Where.EVERYWHERE,
        "ctrl+c,super+c",
        "screen.copy_text",
        "Copy the text selected with the mouse; without a selection: show how to quit",
    ),
    Key(Where.EVERYWHERE, "tab", "app.focus_next", "Next part of the screen"),
    Key(Where.EVERYWHERE, "shift+tab", "app.focus_previous", "Previous part of the screen"),
    Key(Where.EVERYWHERE, "ctrl+q,alt+q", "app.quit", "Quit", "Quit", priority=True),
    Key(Where.COMPOSER, "enter", "send", "Send the message", "Send"),
    Key(Where.COMPOSER, "alt+enter,shift+enter,ctrl+j", "new_line", "New line"),
    Key(
        Where.COMPOSER,
        "tab",
        "complete",
        "Complete a name, #channel, :emoji: or /command; again: next match; while empty: next part of the screen",
    ),
    Key(Where.COMPOSER, "pageup", "screen.scroll(-1)", "Scroll the messages up"),
    Key(Where.COMPOSER, "pagedown", "screen.scroll(1)", "Scroll the messages down"),
    Key(Where.COMPOSER, "end", "end", "End of the line; at the end of the text: latest message"),
    Key(Where.COMPOSER, "ctrl+e", "screen.edit", "Edit the message in $VISUAL or $EDITOR"),
    Key(
        Where.COMPOSER,
        "up",
        "up",
        "From the first line: go to the message you clicked, or to the latest",
        "Messages",
        priority=True,
    ),
    Key(Where.COMPOSER, "ctrl+up,alt+p", "recall(1)", "Recall the last text you sent here; again: the one before"),
    Key(Where.COMPOSER, "ctrl+down,alt+n", "recall(-1)", "Recall the next one; after the last: your unsent text"),
    Key(Where.COMPOSER, "escape", "screen.unmark", "Remove the highlight of the message that you clicked"),
    Key(Where.MESSAGES, "up", "move(-1)", "Previous message"),
    Key(Where.MESSAGES, "down", "move(1)", "Next message; past the last: back to writing"),
    Key(Where.MESSAGES, "pageup", "move(-10)", "Ten messages up"),
    Key(Where.MESSAGES, "pagedown", "move(10)", "Ten messages down"),
    Key(Where.MESSAGES, "home", "first", "First loaded message; again: load older ones"),
    Key(Where.MESSAGES, "end", "last", "Latest message"),
    Key(Where.MESSAGES, "enter", "screen.reply", "Reply: quote the message", "Reply"),
    Key(Where.MESSAGES, "g", "screen.original", "Go to the message it quotes"),
    Key(Where.MESSAGES, "r", "screen.report", "Report the message to the site", "Report"),
    Key(Where.MESSAGES, "p", "screen.profile", "Profile of its author", "Profile"),
    Key(Where.MESSAGES, "e", "screen.react", "Add or remove a reaction", "React"),
    Key(Where.MESSAGES, "w", "screen.direct", "Send its author a direct message", "Message"),
    Key(Where.MESSAGES, "m", "screen.mute", "Mute its author: hide their messages; again: undo", "Mute"),
    Key(Where.MESSAGES, "c", "screen.edit_message", "Edit your message", "Edit"),
    Key(Where.MESSAGES, "d", "screen.take_back", "Delete your message; operators: any message", "Delete"),
    Key(Where.MESSAGES, "o", "screen.open_link", "Open a link in it; shows the full address first"),
    Key(Where.MESSAGES, "slash", "screen.search", "Search messages"),
    Key(Where.MESSAGES, "y", "screen.copy", "Copy the message", "Copy"),
    Key(Where.MESSAGES, "question_mark", "app.help", "All keys"),
    Key(Where.MESSAGES, "escape", "leave", "Back to writing", "Write"),
    Key(Where.CHANNELS, "enter", "select", "Open the channel", "Open"),
    Key(Where.CHANNELS, "escape", "leave", "Back to writing", "Write"),
    Key(Where.PEOPLE, "enter", "select", "Send the person a direct message", "Message"),
    Key(Where.PEOPLE, "p", "profile", "Profile of the person", "Profile"),
    Key(Where.PEOPLE, "m", "mute", "Mute or unmute the person", "Mute"),
    Key(Where.PEOPLE, "b", "block", "Block or unblock the person: neither sees the other", "Block"),
    Key(Where.PEOPLE, "escape", "leave", "Back to writing", "Write"),
    Key(Where.PROFILE, "w", "direct", "Send the person a direct message", "Message"),
    Key(Where.PROFILE, "m", "mute", "Mute or unmute the person", "Mute"),
    Key(Where.PROFILE, "b", "block", "Block or unblock the person: neither sees the other", "Block"),
    Key(Where.PROFILE, "escape,p", "close", "Close the profile", "Close"),
    Key(Where.REPORTS, "enter", "screen.jump", "Go to the message", "Go to it"),
    Key(Where.REPORTS, "x", "screen.withdraw", "Withdraw the report", "Withdraw"),
    Key(Where.REPORTS, "escape,ctrl+r", "screen.close", "Back to the room", "Back"),
    Key(Where.REASONS, "enter", "select", "Go to the comment", "Comment"),
    Key(Where.COMMENT, "enter", "submit", "Submit the report", "Submit"),
    Key(Where.COMMENT, "alt+enter,shift+enter,ctrl+j", "new_line", "New line"),
    Key(Where.FORM, "ctrl+s", "submit", "Submit the report", "Submit"),
    Key(Where.FORM, "escape", "cancel", "Cancel", "Cancel"),
    Key(Where.FORM, "minus", "fewer", "Include one fewer message", "Less context"),
    Key(Where.FORM, "plus", "more", "Include one more message", "More context"),
    Key(Where.FORM, "0", "alone", "Include no other messages", "No context"),
    Key(Where.PICKER, "up", "move(-1)", "Previous", priority=True),
    Key(Where.PICKER, "down", "move(1)", "Next", priority=True),
    Key(Where.PICKER, "enter", "choose", "Choose", "Choose", priority=True),
    Key(Where.PICKER, "escape", "close", "Cancel", "Cancel"),
    Key(Where.SEARCH, "enter", "jump", "Search; on a message: open it", "Open"),
    Key(Where.SEARCH, "down", "list", "Go to the results", "Results", priority=True),
    Key(Where.SEARCH, "slash", "write", "Edit the search", "Edit search"),
    Key(Where.SEARCH, "escape,ctrl+f", "close", "Back to the room", "Back", priority=True),
    Key(Where.MENTIONS, "enter", "screen.jump", "Go to the message", "Go to it"),
    Key(Where.MENTIONS, "escape,alt+m", "screen.close", "Back to the room", "Back", priority=True),
    Key(Where.QUESTION, "y", "yes", "Yes", "Yes"),
    Key(Where.QUESTION, "n,escape", "no", "No", "No"),
    Key(Where.QUESTION, "left,right", "other", "Switch to the other answer", "Other"),
    Key(Where.QUESTION, "enter", "choose", "Choose the selected answer, initially No", "Choose"),
    Key(Where.EDITOR, "enter", "save", "Save the message", "Save"),
    Key(Where.EDITOR, "alt+enter,shift+enter,ctrl+j", "new_line", "New line", "New line"),
    Key(Where.EDITOR, "escape", "cancel", "Keep the message unchanged", "Cancel"),
    Key(Where.SETTINGS, "left", "cycle(-1)", "Previous value", "Previous"),
    Key(Where.SETTINGS, "right,space", "cycle(1)", "Next value", "Next"),
    Key(Where.SETTINGS, "enter", "choose", "Next value; themes: choose from a list", "Choose"),
    Key(Where.SETTINGS, "escape,f2", "screen.close", "Back to the room", "Back", priority=True),
    Key(Where.START, "enter", "screen.go_on", "Join", "Join", priority=True),
    Key(Where.START, "escape", "screen.cancel", "Stay on this server", "Cancel"),
    Key(Where.START, "ctrl+q", "app.quit", "Quit", "Quit", priority=True),
    Key(Where.HELP, "escape,question_mark", "close", "Back", "Back"),
)


_changed: dict[str, str] = {}


def change(keys: Mapping[str, str]) -> None:
    """Set the user's own keys, by ID. All other IDs return to the keys of the table."""
    _changed.clear()
    _changed.update(keys)


def keys_of(which: str, default: str) -> str:
    """Return the current keys of an ID: the user's own, or the default."""
    return _changed.get(which, default)


def rows(where: Where) -> list[tuple[str, str]]:
    """Return the current keys of a place and their help, as shown to the user."""
    here = [key for key in KEYS if key.where is where]
    single = [(_listed(key.now), key.help) for key in here if not key.numbered or key.id in _changed]
    numbered = [key.keys for key in here if key.numbered and key.id not in _changed]
    return [*single, *([(f"{numbered[0]} to {numbered[-1]}", NUMBERED)] if numbered else [])]


def _listed(keys: str) -> str:
    return " or ".join(CHARACTERS.get(key, key) for key in keys.split(","))


def first_key(which: str) -> str:
    """Return the current key of an ID; the first of several."""
    return next(key.now.partition(",")[0] for key in KEYS if key.id == which)


def pressed(which: str) -> str:
    """Return the current key of an ID as sentences name it: Esc, Ctrl+K, F2, or a letter as it is."""
    key = first_key(which)
    if len(key) == 1:
        return key
    *modifiers, name = key.split("+")
    shown = KEY_NAMES.get(name) or CHARACTERS.get(name) or _capital(name)
    return "+".join((*map(_capital, modifiers), shown))


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
