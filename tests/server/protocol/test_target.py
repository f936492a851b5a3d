"""Targets: a channel ID or `@username`."""

import pytest

from server.protocol import target


@pytest.mark.parametrize("name", ["ada", "@ada", "", "ada 2", "小林"])
def test_a_conversation_is_recognised_and_keeps_the_name(name: str) -> None:
    built = target.conversation(name)
    assert target.is_conversation(built)
    assert target.name_of(built) == name


@pytest.mark.parametrize(("typed", "name"), [("ada", "ada"), ("@ada", "ada"), ("@@ada", "@ada"), ("", "")])
def test_the_at_sign_before_a_typed_name_is_optional(typed: str, name: str) -> None:
    assert target.without_sign(typed) == name


@pytest.mark.parametrize("channel", ["lobby", "", "a.b-c_d"])
def test_a_channel_is_not_a_conversation(channel: str) -> None:
    assert not target.is_conversation(channel)
    assert target.name_of(channel) is None
