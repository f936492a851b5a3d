"""Completion of names, channels, emoji and commands."""

from functools import partial

import pytest

from tui.client.completion import Known, complete

KNOWN = Known(
    people=("bob", "Bonnie Mae", "Inés ⚓", "Анна", "ｗｉｄｅ", "jose\u0301"),
    channels=("Lobby", "Off Topic"),
    commands={"msg": "NAME [TEXT]", "mute": "NAME", "join": "CHANNEL", "status": "[WORDS]", "quit": ""},
    hidden=("Boris the muted",),
)


def emojis(begun: str) -> list[str]:
    return ["🌈"] if "rainbow".startswith(begun) else []


def completed(before: str, *, first_line: bool = True) -> str | None:
    """Return the line after Tab; None if it completes nothing."""
    found = complete(before, lambda: KNOWN, None, emojis, first_line=first_line)
    return before[: found.start] + found.text if found else None


def test_each_tab_completes_to_the_next_match() -> None:
    line, seen, last = "hey @bo", [], None
    for _ in range(3):
        last = complete(line, lambda: KNOWN, last)
        assert last
        line = line[: last.start] + last.text
        seen.append(line)
    assert seen == ["hey @bob ", "hey @Bonnie Mae ", "hey @bob "]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bob", "bob: "), ("BON", "Bonnie Mae: "), ("bonnie m", "Bonnie Mae: "), ("thanks an", None),
        ("thanks ан", "thanks Анна "), ("hey (@bo", "hey (@bob"), ("(bo", "(bob"), ('"ine', '"Inés ⚓'),
        ("so @in", "so @Inés ⚓ "), ("@wid", "@ｗｉｄｅ "), ("hi jos", "hi jose\u0301 "), ("hi José", "hi jose\u0301 "),
        ("#l", "#Lobby "), ("see #off t", "see #Off Topic "), ("/msg bo", "/msg bob "),
        ("/msg @bonnie", "/msg @Bonnie Mae "), ("/msg Bonnie Mae tell bo", "/msg Bonnie Mae tell bob "),
        ("/mute boris t", "/mute Boris the muted "), ("/MUTE an", None), ("/mute ан", "/mute Анна "),
        ("/join of", "/join Off Topic "), ("/join #Lo", "/join #Lobby "), ("/status with bo", "/status with bob "),
        ("/mu", "/mute "), ("hi :rai", "hi 🌈 "), ("(:rai", "(🌈"),
    ],
)  # fmt: skip
def test_tab_completes_names_channels_commands_and_emoji(before: str, after: str | None) -> None:
    assert completed(before) == after


@pytest.mark.parametrize(
    "before",
    [
        "", " ", "xy", "thanks xy", "no /mu", "me@bo", "@xy", "@bob and", "a:rai", "::", ":r", "a:80:b", "http://bo",
        "//mu", "/join bo", "/nothing",
    ],
)  # fmt: skip
def test_tab_leaves_other_text_unchanged(before: str) -> None:
    assert completed(before) is None


def test_a_command_is_completed_on_the_first_line_only() -> None:
    assert completed("/mu", first_line=False) is None
    assert completed("/join lob", first_line=False) is None


def test_without_bare_words_names_are_looked_up_only_after_a_sign_or_in_a_command() -> None:
    asked: list[str] = []

    def known(before: str) -> Known:
        asked.append(before)
        return KNOWN

    begun = ["bo", "an ordinary (bo", "me@bo", ":rai", "@bo", "so #off", "/msg bo", "/mu"]
    found = {each: complete(each, partial(known, each), None, emojis, bare=False) for each in begun}
    assert [each for each, completion in found.items() if completion] == begun[3:]
    assert asked == begun[4:]
