"""Notifications: when a message causes one, and what is written to the terminal."""

import re
from base64 import b64decode
from itertools import product

import pytest
from textual import events

from tui.client.news import NewMessage
from tui.fullscreen.notices import (
    BELL,
    EVERY_SECONDS,
    IDLE_SECONDS,
    RESTORE_TITLE,
    SAVE_TITLE,
    Notices,
    osc_9,
    osc_99,
    osc_777,
    wanted,
    wording,
)

HOSTILE = "4;1;\x1b]52;c;SGVsbG8=\x07\x9b?1003l\x9c\u202e\n;\x1b\\"
ITERM = {"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}


def item(
    channel: str = "lobby", text: str = "hello @ada", author: str = "bob", *, mentioned: bool = True
) -> NewMessage:
    return NewMessage(channel, "# Lobby", author, text, mentioned, direct=channel.startswith("@"))


class Desk:
    """Notifications with a list as the terminal and a clock set by hand."""

    def __init__(self, environment: dict[str, str] | None = None, level: str = "mentions") -> None:
        self.written: list[str] = []
        self.time = 100.0
        self.notices = Notices(self.written.append, environment or {}, lambda _: level, lambda: self.time)

    def bells(self) -> int:
        return self.written.count(BELL)

    def blur(self) -> None:
        self.notices.notice(events.AppBlur())

    def focus(self) -> None:
        self.notices.notice(events.AppFocus())

    def tell(self, *items: NewMessage, dnd: bool = False) -> None:
        self.time += EVERY_SECONDS
        self.notices.notify(items, dnd=dnd)


@pytest.mark.parametrize(("focused", "dnd"), [(True, False), (False, True), (True, True)])
def test_no_notification_while_the_user_looks_or_do_not_disturb_is_on(*, focused: bool, dnd: bool) -> None:
    for level, mentioned, direct in product(("all", "mentions", "none"), (True, False), (True, False)):
        assert not wanted(level, mentioned=mentioned, direct=direct, focused=focused, dnd=dnd)


@pytest.mark.parametrize(
    ("level", "mentioned", "direct", "told"),
    [
        ("all", False, False, True),
        ("mentions", False, False, False),
        ("mentions", True, False, True),
        ("mentions", False, True, True),
        ("none", True, True, False),
    ],
)
def test_the_notification_level_decides_which_messages_notify(
    level: str, *, mentioned: bool, direct: bool, told: bool
) -> None:
    assert wanted(level, mentioned=mentioned, direct=direct, focused=False, dnd=False) is told


@pytest.mark.parametrize(
    ("environment", "form"),
    [
        ({"TERM": "xterm-256color"}, None),
        ({}, None),
        ({"TERM": "xterm-kitty"}, osc_99),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, osc_99),
        (ITERM, osc_9),
        ({"TERM": "xterm-256color", "WEZTERM_PANE": "0"}, osc_9),
        ({"TERM": "xterm-ghostty"}, osc_9),
        ({"TERM": "foot"}, osc_777),
        ({"TERM": "rxvt-unicode-256color"}, osc_777),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/x,1,0"}, None),
        ({"TERM": "screen", "STY": "1.x", "TERM_PROGRAM": "WezTerm"}, None),
    ],
)
def test_desktop_notifications_use_the_sequence_of_the_terminal(environment: dict[str, str], form: object) -> None:
    assert wording(environment) is form


@pytest.mark.parametrize(
    "environment", [ITERM, {"TERM": "xterm-kitty"}, {"TERM": "foot"}], ids=["osc 9", "osc 99", "osc 777"]
)
def test_a_desktop_notification_contains_no_control_characters_of_others(environment: dict[str, str]) -> None:
    desk = Desk(environment)
    desk.blur()
    desk.tell(item(author=HOSTILE, text=HOSTILE))
    bell, notice = desk.written
    assert bell == BELL
    bare = re.sub("\x1b\\](?:9|99|777);([^\x00-\x1f\x7f-\x9f]*)\x1b\\\\", r"\1", notice)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202e]", bare)
    assert not notice.startswith("\x1b]9;4")
    hidden = [b64decode(each).decode() for each in re.findall(r";([A-Za-z0-9+/=]+)\x1b", notice)]
    assert not any(re.search("[\x00-\x1f\x7f-\x9f\u202e]", each) for each in hidden)


def test_the_title_of_a_notice_cannot_reach_into_its_text() -> None:
    assert osc_777("a;b", "c;d") == "\x1b]777;notify;a,b;c;d\x1b\\"


def test_a_long_message_makes_a_short_notice() -> None:
    desk = Desk(ITERM)
    desk.blur()
    desk.tell(item(text="x" * 4000, author="y" * 4000))
    assert len(desk.written[-1]) < 500


def test_messages_that_arrive_together_cause_one_notification() -> None:
    desk = Desk(ITERM)
    desk.blur()
    desk.tell(*[item(text=f"@ada {number}") for number in range(5)])
    assert desk.bells() == 1
    assert " (and 4 more)" in desk.written[-1]
    assert desk.written[-1].endswith("» @ada 4\x1b\\")


def test_the_bell_is_rate_limited() -> None:
    desk = Desk()
    desk.blur()
    desk.tell(item())
    desk.time -= EVERY_SECONDS / 2
    desk.tell(item())
    assert desk.bells() == 1
    desk.tell(item())
    assert desk.bells() == 2


def test_focus_reports_of_the_terminal_decide_whether_the_user_looks() -> None:
    desk = Desk()
    desk.focus()
    desk.time += 10 * IDLE_SECONDS
    desk.tell(item())
    assert not desk.bells()
    desk.blur()
    desk.tell(item())
    assert desk.bells() == 1


def test_without_focus_reports_a_user_who_presses_no_key_is_away() -> None:
    desk = Desk()
    desk.tell(item())
    assert not desk.bells()
    desk.time += IDLE_SECONDS
    desk.tell(item())
    assert desk.bells() == 1
    desk.notices.notice(events.Key("a", "a"))
    desk.tell(item())
    assert desk.bells() == 1


def test_the_title_counts_waiting_messages_until_none_is_left() -> None:
    desk = Desk({"TERM": "xterm"})
    desk.notices.show_waiting(0)
    assert desk.written == [f"{SAVE_TITLE}\x1b]2;Flagpost\x07"]
    desk.notices.show_waiting(2)
    desk.notices.show_waiting(2)
    assert desk.written[1:] == ["\x1b]2;(2) Flagpost\x07"]
    desk.notices.show_waiting(0)
    assert desk.written[-1] == "\x1b]2;Flagpost\x07"
    desk.notices.end()
    assert desk.written[-1] == RESTORE_TITLE


@pytest.mark.parametrize("term", ["", "dumb", "linux"])
def test_no_title_is_written_to_a_terminal_without_titles(term: str) -> None:
    desk = Desk({"TERM": term})
    desk.notices.show_waiting(1)
    desk.notices.end()
    assert not desk.written


def test_nothing_is_written_while_an_editor_has_the_terminal_and_the_title_is_restored() -> None:
    desk = Desk({"TERM": "xterm"})
    desk.notices.show_waiting(0)
    desk.blur()
    with desk.notices.suspended():
        desk.tell(item())
        desk.notices.show_waiting(1)
        assert len(desk.written) == 1
    desk.notices.show_waiting(1)
    assert desk.written[1:] == ["\x1b]2;(1) Flagpost\x07"]
