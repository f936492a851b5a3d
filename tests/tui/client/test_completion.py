"""Completion of names and channels."""

from tui.client.completion import complete

WORDS = ["@bob", "@Bonnie Mae", "#Lobby", "@Inés ⚓"]


def test_each_tab_gives_the_next_one() -> None:
    first = complete("hey @bo", WORDS, None)
    assert first
    assert (first.start, first.text) == (4, "@Bonnie Mae ")
    second = complete("hey @Bonnie Mae ", WORDS, first)
    assert second
    assert second.text == "@bob "
    third = complete("hey @bob ", WORDS, second)
    assert third
    assert third.text == "@Bonnie Mae "


def test_channels_and_other_letters_are_completed_too() -> None:
    channel, person = complete("#l", WORDS, None), complete("so @in", WORDS, None)
    assert channel
    assert person
    assert (channel.text, person.text) == ("#Lobby ", "@Inés ⚓ ")


def test_nothing_is_completed_within_a_word_nor_without_a_beginning() -> None:
    for text in ("", "bo", "me@bo", "@x", "@bob and"):
        assert complete(text, WORDS, None) is None
