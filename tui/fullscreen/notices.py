"""Notifications for a user who is looking elsewhere: bell, terminal title, desktop notification."""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from textual import events

from server.protocol import name_text
from tui.text import clean_line

if TYPE_CHECKING:
    from tui.client.news import NewMessage

ALL, MENTIONS, NONE = "all", "mentions", "none"
TITLE = "Flagpost"
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
BELL = "\x07"
LONGEST = 200
"""Maximum number of characters in the title and in the text of a desktop notification."""
EVERY_SECONDS = 2.0
"""Minimum time between two notifications; messages in between are counted in the title."""
IDLE_SECONDS = 60.0
"""If the terminal does not report focus, a user who presses no key for this long counts as looking elsewhere."""
UNTITLED = frozenset({"", "dumb", "linux"})

Wording = Callable[[str, str], str]
"""Builds the escape sequence of a notification from its title and text."""


def wanted(level: str, *, mentioned: bool, direct: bool, focused: bool, dnd: bool) -> bool:
    """Return whether a message causes a notification at a channel's level: "all", "mentions" or "none"."""
    if focused or dnd or level == NONE:
        return False
    return level == ALL or mentioned or direct


def osc_9(title: str, text: str) -> str:
    """Return iTerm2's sequence. Its text starts with a flag: ConEmu would read a number there as a command."""
    return f"\x1b]9;⚑ {title}{name_text.SEPARATOR}{text}\x1b\\"


def osc_99(title: str, text: str) -> str:
    """Return kitty's sequence, in base64: the text may contain any character."""
    head, body = (b64encode(each.encode()).decode() for each in (title, text))
    return f"\x1b]99;i=flagpost:d=0:e=1;{head}\x1b\\\x1b]99;i=flagpost:d=1:e=1:p=body;{body}\x1b\\"


def osc_777(title: str, text: str) -> str:
    """Return rxvt-unicode's sequence. A semicolon would end the title, so a comma replaces it."""
    return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x1b\\"


def wording(environment: Mapping[str, str]) -> Wording | None:
    """Return the function that builds notifications for this terminal; None if it is unknown or a multiplexer."""
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if environment.get("TMUX") or environment.get("STY") or term.startswith(("tmux", "screen")):
        return None
    if environment.get("KITTY_WINDOW_ID") or "kitty" in term:
        return osc_99
    if term.startswith(("foot", "rxvt-unicode")):
        return osc_777
    if program in {"iTerm.app", "WezTerm", "ghostty"} or "ghostty" in term or environment.get("WEZTERM_PANE"):
        return osc_9
    return None


class Notices:
    """Decides when to notify the user, and writes the bell, title and notification to the terminal."""

    def __init__(
        self,
        write: Callable[[str], None],
        environment: Mapping[str, str],
        level: Callable[[str], str] = lambda _: MENTIONS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`write` writes to the terminal, `level` returns a channel's level, `now` is a monotonic clock."""
        self._write, self._level, self._now = write, level, now
        self._wording = wording(environment)
        self._titled = environment.get("TERM", "") not in UNTITLED
        self._title = ""
        self._suspended = self._title_saved = False
        self._focus: bool | None = None
        self._touched = now()
        self._notified = now() - EVERY_SECONDS

    @property
    def focused(self) -> bool:
        """True if the user is looking at the terminal, as far as known."""
        return self._focus if self._focus is not None else self._now() - self._touched < IDLE_SECONDS

    @property
    def is_elsewhere(self) -> bool:
        """True if the terminal reported that the user is looking elsewhere."""
        return self._focus is False

    def level(self, place: str) -> str:
        """Return the notification level of a channel or conversation: "all", "mentions" or "none"."""
        return self._level(place)

    def is_muted(self, place: str) -> bool:
        """Return whether the user has turned off notifications from a channel or conversation."""
        return self._level(place) == NONE

    def notice(self, event: events.Event) -> None:
        """Update from an event whether the user is looking at the terminal."""
        if isinstance(event, events.AppFocus | events.AppBlur):
            self._focus = isinstance(event, events.AppFocus)
        elif isinstance(event, events.Key | events.MouseDown):
            self._touched = self._now()

    def notify(self, items: "Sequence[NewMessage]", *, dnd: bool) -> None:
        """Notify the user once of messages that arrived together."""
        items = [each for each in items if self._level(each.channel) != NONE]
        loud = [each for each in items if self._is_wanted(each, dnd=dnd)]
        if self._suspended or not loud or self._now() - self._notified < EVERY_SECONDS:
            return
        self._notified = self._now()
        self._write(BELL)
        if self._wording:
            self._write(self._wording(_title(loud)[:LONGEST], clean_line(loud[-1].text)[:LONGEST]))

    def show_waiting(self, waiting: int) -> None:
        """Show in the title how many unread messages are addressed to the user."""
        title = f"({waiting}) {TITLE}" if waiting else TITLE
        if self._titled and not self._suspended and title != self._title:
            save = "" if self._title_saved else SAVE_TITLE
            self._title, self._title_saved = title, True
            self._write(f"{save}\x1b]2;{title}\x07")

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Write nothing while another program uses the terminal; write the title again afterwards."""
        self._suspended = True
        try:
            yield
        finally:
            self._suspended, self._title = False, ""

    def end(self) -> None:
        """Restore the original title of the terminal."""
        if self._title_saved:
            self._write(RESTORE_TITLE)

    def _is_wanted(self, item: "NewMessage", *, dnd: bool) -> bool:
        level = self._level(item.channel)
        return wanted(level, mentioned=item.mentioned, direct=item.direct, focused=self.focused, dnd=dnd)


def _title(loud: "Sequence[NewMessage]") -> str:
    """Return the author and place of the last message. No name can fake either: none contains a parenthesis or a #."""
    last, more = loud[-1], f" (and {len(loud) - 1} more)" if len(loud) > 1 else ""
    author = name_text.shown(clean_line(last.author)) + more
    return author if last.direct else f"{author} in {name_text.place(clean_line(last.place))}"
