"""Tells a person who looks elsewhere what came: bell, the terminal's title, a notice on the desktop."""

from base64 import b64encode
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic

from textual import events

from server.protocol import name_text
from tui.client.news import News, Unread
from tui.text import clean_line

ALL, MENTIONS, NONE = "all", "mentions", "none"
TITLE = "Flagpost"
KEEP_TITLE, GIVE_TITLE_BACK = "\x1b[22;2t", "\x1b[23;2t"
BELL = "\x07"
LONGEST = 200
"""Characters of a notice on the desktop."""
EVERY_SECONDS = 2.0
"""A notice at most so often; what comes between is counted in the title."""
IDLE_SECONDS = 60.0
"""Where a terminal never tells of its focus, whoever presses nothing for so long looks elsewhere."""
UNTITLED = frozenset({"", "dumb", "linux"})

Wording = Callable[[str, str], str]
"""A notice of a title and a text, as the terminal takes it."""


def wanted(level: str, *, mentioned: bool, direct: bool, focused: bool, dnd: bool) -> bool:
    """Whether a message is worth a notice at a channel's level: "all", "mentions" or "none"."""
    if focused or dnd or level == NONE:
        return False
    return level == ALL or mentioned or direct


def osc_9(title: str, text: str) -> str:
    """As iTerm2 began it. The sign keeps it from beginning with a number, which would be a command of ConEmu's."""
    return f"\x1b]9;⚑ {title}{name_text.SEPARATOR}{text}\x1b\\"


def osc_99(title: str, text: str) -> str:
    """As kitty has it; its base64 holds whatever a text does."""
    head, body = (b64encode(each.encode()).decode() for each in (title, text))
    return f"\x1b]99;i=flagpost:d=0:e=1;{head}\x1b\\\x1b]99;i=flagpost:d=1:e=1:p=body;{body}\x1b\\"


def osc_777(title: str, text: str) -> str:
    """As rxvt-unicode has it; a semicolon ends the title."""
    return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x1b\\"


def wording(environment: Mapping[str, str]) -> Wording | None:
    """How the terminal of this environment takes a notice; None if it says of none, or something is in between."""
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
    """Follows what the person sees, counts what they do not, and writes to the terminal."""

    def __init__(
        self,
        write: Callable[[str], None],
        environment: Mapping[str, str],
        level: Callable[[str], str] = lambda _: MENTIONS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        """`write` takes what the terminal shall get, `level` gives that of a channel, `now` seconds that only grow."""
        self._write, self._level, self._now = write, level, now
        self._wording = wording(environment)
        self._titled = environment.get("TERM", "") not in UNTITLED
        self._title = ""
        self._lent = self._has_kept = False
        self._unread = Unread()
        self._focus: bool | None = None
        self._touched = now()
        self._told = now() - EVERY_SECONDS

    @property
    def focused(self) -> bool:
        """Whether the person looks at the terminal, as far as it says."""
        return self._focus if self._focus is not None else self._now() - self._touched < IDLE_SECONDS

    def notice(self, event: events.Event) -> None:
        """Learn from an event whether the person looks here."""
        if isinstance(event, events.AppFocus | events.AppBlur):
            self._focus = isinstance(event, events.AppFocus)
        elif isinstance(event, events.Key | events.MouseDown):
            self._touched = self._now()

    def tell(self, items: Sequence[News], *, dnd: bool) -> None:
        """Tell of what came together, once."""
        items = [each for each in items if self._level(each.channel) != NONE]
        self._unread.take(items)
        loud = [each for each in items if self._is_wanted(each, dnd=dnd)]
        if self._lent or not loud or self._now() - self._told < EVERY_SECONDS:
            return
        self._told = self._now()
        self._write(BELL)
        if self._wording:
            self._write(self._wording(_title(loud)[:LONGEST], clean_line(loud[-1].text)[:LONGEST]))

    def keep(self, channels: Container[str]) -> None:
        """Nothing waits in other channels: there are no others any more."""
        self._unread.keep(channels)

    def look(self, channel: str) -> None:
        """The person sees this channel, if they look at all; the title says what waits elsewhere."""
        if self.focused:
            self._unread.look(channel)
        waiting = self._unread.total()
        title = f"({waiting}) {TITLE}" if waiting else TITLE
        if self._titled and not self._lent and title != self._title:
            keep = "" if self._has_kept else KEEP_TITLE
            self._title, self._has_kept = title, True
            self._write(f"{keep}\x1b]2;{title}\x07")

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Leave the terminal to somebody else meanwhile, who may change its title."""
        self._lent = True
        try:
            yield
        finally:
            self._lent, self._title = False, ""

    def end(self) -> None:
        """Give the terminal the title back that it had."""
        if self._has_kept:
            self._write(GIVE_TITLE_BACK)

    def _is_wanted(self, item: News, *, dnd: bool) -> bool:
        level = self._level(item.channel)
        return wanted(level, mentioned=item.mentioned, direct=item.direct, focused=self.focused, dnd=dnd)


def _title(loud: Sequence[News]) -> str:
    """Who wrote last and where; no name contains a parenthesis or the # that a channel begins with."""
    last, more = loud[-1], f" (and {len(loud) - 1} more)" if len(loud) > 1 else ""
    author = name_text.shown(clean_line(last.author)) + more
    return author if last.direct else f"{author} in {name_text.place(clean_line(last.place))}"
