"""Lines that begin with a slash."""

import pytest

from tui.client import slash

NAMES = {"bob", "Bonnie Mae", "jos\u00e9", "Straße", "me"}


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/msg bob code:\n  if x:\n\ty()\n", "msg", "bob code:\n  if x:\n\ty()\n"),
        ("/msg\tbob", "msg", "bob"),
        ("/me  waves ", "me", " waves "),
        ("/quit", "quit", ""),
        ("/", "", ""),
    ],
)
def test_the_arguments_of_a_command_stay_as_typed(text: str, name: str, rest: str) -> None:
    assert slash.split(text) == (name, rest)


@pytest.mark.parametrize(
    ("rest", "name", "text"),
    [
        ("bob code:\n  if x:\n\ty() ", "bob", "code:\n  if x:\n\ty() "),
        ("bob\n  indented", "bob", "  indented"),
        ("BOB  hi", "bob", " hi"),
        (" @Bob", "bob", ""),
        ("ｂｏｂ hi", "bob", "hi"),
        ("bonnie  mae hi", "Bonnie Mae", "hi"),
        ("JOSE\u0301 hi", "jos\u00e9", "hi"),
        ("STRASSE hi", "Straße", "hi"),
        ("bonnie hi", "", "bonnie hi"),
        ("nobody", "nobody", ""),
        ("", "", ""),
    ],
)
def test_a_person_is_found_whatever_spelling_was_typed(rest: str, name: str, text: str) -> None:
    assert slash.addressed(rest, NAMES) == (name, text)
