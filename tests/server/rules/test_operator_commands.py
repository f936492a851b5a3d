"""How the commands of operators are spelled."""

import pytest

from server.rules.operator_commands import (
    MAX_HOURS,
    BadCommand,
    BanRequest,
    OperatorCommand,
    ban_of,
    is_command,
    listing,
    parse,
)


@pytest.mark.parametrize(
    ("typed", "person"),
    [
        ("/kick bob", "bob"),
        ("  /KICK   @bob ", "bob"),
        ('/kick "Some Body"', "Some Body"),
        ("/kick Some Body", "Some Body"),
        ("/kick O'Brien", "O'Brien"),
        ("\ufeff \u200b/kick bob", "bob"),
    ],
)
def test_a_name_can_be_quoted_or_begin_with_an_at_sign(typed: str, person: str) -> None:
    command = parse(typed)
    assert is_command(typed)
    assert isinstance(command, OperatorCommand)
    assert (command.name, command.person) == ("kick", person)


@pytest.mark.parametrize(
    "typed",
    ["/", "/nosuch", "/kick", "/nsfw", "/cut", '/kick "bob', "/bans bob", '/"', "/ kick bob", '/kick ""', "/kick @"],
)
def test_any_other_text_with_a_slash_is_a_problem_and_not_a_command(typed: str) -> None:
    assert isinstance(parse(typed), BadCommand) or typed == "/ kick bob"


@pytest.mark.parametrize(
    ("typed", "known", "request_"),
    [
        ("/ban bob", False, BanRequest("bob", 24)),
        ("/ban @bob 2", False, BanRequest("bob", 2)),
        ('/ban "Some Body" 2', False, BanRequest("Some Body", 2)),
        ("/ban Some Body", True, BanRequest("Some Body", 24)),
        ("/ban agent 7", True, BanRequest("agent 7", 24)),
        ("/ban bob 0", False, None),
        ("/ban bob spam", False, None),
        ("/ban bob -1", False, None),
        ("/ban bob ²", False, None),
        ("/ban Some Body 2", False, None),
        ('/ban "" 5', False, None),
        ("/ban @ 5", False, None),
        (f"/ban bob {MAX_HOURS + 1}", False, None),
        ("/ban bob 9999999999", False, None),
    ],
)
def test_a_ban_has_a_name_and_a_number_of_hours(typed: str, known: bool, request_: BanRequest | None) -> None:
    command = parse(typed)
    assert isinstance(command, OperatorCommand)
    found = ban_of(command, is_known=known)
    assert found == request_ if request_ else isinstance(found, BadCommand)


def test_the_dangerous_commands_have_a_list_of_their_own() -> None:
    assert "/kick NAME" in listing(advanced=False)
    assert "/shutdown" not in listing(advanced=False)
    assert "/shutdown" in listing(advanced=True)
