"""The user's own keys replace the table's, unless two would conflict."""

import pytest

from tui.fullscreen.keys.keymap import KEYS
from tui.fullscreen.keys.rebinding import rebind


def test_each_key_has_its_own_id_which_toml_accepts_without_quotes() -> None:
    names = [key.id for key in KEYS]
    assert len(set(names)) == len(names)
    assert all(part.replace("_", "").replace("-", "").isalnum() for name in names for part in name.split("."))
    assert all(name.count(".") == 1 for name in names)


def test_keys_can_be_given_by_name_or_as_the_character() -> None:
    wanted = {"messages.report": "!", "everywhere.next_channel_1": "f3, alt+x", "messages.move_-1": "k"}
    assert rebind(wanted) == (
        {"messages.report": "exclamation_mark", "everywhere.next_channel_1": "f3,alt+x", "messages.move_-1": "k"},
        [],
    )


def test_two_actions_can_swap_their_keys() -> None:
    swapped = {"messages.report": "p", "messages.profile": "r"}
    assert rebind(swapped) == (swapped, [])


@pytest.mark.parametrize(
    ("name", "keys", "problem"),
    [
        ("messages.reprot", "x", 'unknown action; did you mean "messages.report"?'),
        ("nothing", "x", "unknown action; docs/config.md lists all actions"),
        ("messages.report", "ctrl-x", '"ctrl-x" is not a key'),
        ("messages.report", "control+x", '"control+x" is not a key'),
        ("messages.report", "", '"" is not a key'),
        ("messages.report", "x,,y", '"x,,y" is not a key'),
        (
            "messages.report",
            "p",
            '"p" is already bound to messages.profile (Profile of its author); rebind that first',
        ),
        ("messages.report", "ctrl+n", '"ctrl+n" is already bound to everywhere.next_channel_1'),
        ("reports.withdraw", "f1", '"f1" is already bound to always.help'),
        ("everywhere.search", "r", '"r" is already bound to messages.report'),
    ],
)
def test_an_invalid_binding_is_named_and_the_old_key_stays(name: str, keys: str, problem: str) -> None:
    changed, [line] = rebind({name: keys, "form.alone": "9"})
    assert changed == {"form.alone": "9"}
    assert line.startswith(f"keys.{name}: {problem}")


def test_keys_of_places_that_are_never_active_together_may_be_the_same() -> None:
    assert rebind({"reports.withdraw": "ctrl+n", "question.yes": "r"})[1] == []


def test_a_refused_key_frees_no_other_key() -> None:
    # Profile asks for report's key. Report keeps it, because its own change is rejected.
    changed, problems = rebind({"messages.report": "f1", "messages.profile": "r"})
    assert changed == {}
    assert len(problems) == 2
