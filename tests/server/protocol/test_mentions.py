"""Which texts name a person."""

import pytest

from server.protocol.mentions import mentions


@pytest.mark.parametrize(
    ("text", "name", "named"),
    [
        ("@ada hello", "ada", True),
        ("Sorry Ada, I was away", "ada", True),
        ("ada", "ADA", True),
        ("(ada)", "ada", True),
        ("adaptable, canada, ada_2, ada2", "ada", False),
        ("@jose\u0301 look", "josé", True),
        ("@josé look", "jose\u0301", True),
        ("ａｄａ is wide", "ada", True),
        ("lucky\ndeals again", "Lucky Deals", True),
        ("luckydeals", "Lucky Deals", False),
        ("Straße", "STRASSE", True),
        ("a.b", "a-b", False),
        ("me@ada.example, x@ada, www.ada, ada.txt", "ada", False),
        ("it was ada. Yes", "ada", True),
        ("ada's, ada-like", "ada", True),
        ("नमे", "नम", False),
        ("नम, आओ", "नम", True),
        ("जी हाँ", "जी", True),
        ("花子さん来て", "花子", True),
        ("bobさん", "bob", True),
        ("a字b", "字", True),
        ("thanks 🦊🦊", "🦊", True),
        ("adаm", "ad", False),
        ("anything", "", False),
        ("a" + "\u0301" * 4000, "ada", False),
    ],
)
def test_a_mention_is_a_whole_word_in_any_spelling_of_the_name(text: str, name: str, named: bool) -> None:
    assert mentions(text, [name]) is named


def test_any_of_several_names_is_a_mention() -> None:
    assert mentions("deploy now", ["ada", "deploy"])
