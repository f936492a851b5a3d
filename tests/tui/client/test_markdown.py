"""Markdown becomes styled pieces of text; it can neither hide a URL nor contain HTML."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.protocol.markdown import MAX_MARKS
from tests.support.grammars import ADVERSARIAL, MULTILINE, Grammar
from tui.client.markdown import Piece, lines
from tui.text import clean


def one(text: str) -> list[Piece]:
    """Return the pieces of a one-line message."""
    (pieces,) = lines(text)
    return pieces


def shown(text: str) -> str:
    """Return the visible text."""
    return "\n".join("".join(piece.text for piece in line) for line in lines(text))


def typed(text: str) -> str:
    """Return the visible text without explanations."""
    return "\n".join("".join(piece.text for piece in line if not piece.added) for line in lines(text))


def styled(text: str) -> list[Piece]:
    """Return the pieces of a one-line message without its marks."""
    return [piece for piece in one(text) if not piece.mark]


def urls(text: str) -> set[str]:
    """Return every URL that could be opened."""
    return {piece.url for line in lines(text) for piece in line} - {""}


def test_only_a_quoted_line_is_marked_as_a_quotation() -> None:
    quotation, answer = lines("> bob: **no** rope\nTake mine")
    assert [piece for piece in quotation if not piece.mark] == [
        Piece("> bob: ", quoted=True),
        Piece("no", bold=True, quoted=True),
        Piece(" rope", quoted=True),
    ]
    assert all(piece.quoted for piece in quotation)
    assert answer == [Piece("Take mine")]
    assert one(">_<") == [Piece(">_<")]
    assert lines("```\n> a\n```")[1] == [Piece("> a", code=True, fenced=True)]


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("**a b**", Piece("a b", bold=True)),
        ("__a b__", Piece("a b", bold=True)),
        ("*a b*", Piece("a b", italic=True)),
        ("_a b_", Piece("a b", italic=True)),
        ("***a***", Piece("a", bold=True, italic=True)),
        ("~~a~~", Piece("a", strike=True)),
        ("`a *b* [c](http://d.example)`", Piece("a *b* [c](http://d.example)", code=True)),
        ("`` a`b ``", Piece("a`b", code=True)),
    ],
)
def test_marks_become_styles(text: str, piece: Piece) -> None:
    assert styled(text) == [piece]
    assert typed(text) == text


def test_marks_nest() -> None:
    assert styled("x **a *b ~~c~~* `d`** e") == [
        Piece("x "),
        Piece("a ", bold=True),
        Piece("b ", bold=True, italic=True),
        Piece("c", bold=True, italic=True, strike=True),
        Piece(" ", bold=True),
        Piece("d", bold=True, code=True),
        Piece(" e"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "snake_case_name",
        "a ** b",
        "**open",
        "~~open",
        "`open",
        "*",
        "[",
        "[a](",
        "[a]",
        "5 > 4 < 6",
        "a ~ b",
    ],
)
def test_unmatched_marks_are_shown_as_typed(text: str) -> None:
    assert shown(text) == text
    assert all(piece == Piece(piece.text) for piece in one(text))


def test_a_backslash_escapes_a_mark() -> None:
    assert not any(piece.italic for piece in one(r"\*a\*"))
    assert [piece.text for piece in one(r"\*a\* \[b](c)") if piece.mark] == ["\\", "\\", "\\"]
    assert one(r"C:\temp\*") == [Piece(r"C:\temp\*")]


@pytest.mark.parametrize(
    "text",
    ["# a", "> a", "- a", "1. a", "---", "a  ", "| a | b |", "<b>a</b>", "<script>x</script>", "<!-- a -->", "a<br>b"],
)
def test_blocks_and_html_are_shown_as_text(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("text", ["&#27;[31m", "&#x1b;]2;x&#7;", "&lt;b&gt;", "&amp;", "&#8238;", "&ZeroWidthSpace;"])
def test_entities_are_never_decoded(text: str) -> None:
    assert shown(text) == text
    assert text in shown(f"**{text}** [x](http://a.example)")
    assert all("\x1b" not in url for url in urls(f"[a](http://a.example/{text})"))


@pytest.mark.parametrize("address", ["http://a.example/b", "https://a.example/b?c=d&e=f#g", "HTTPS://A.example"])
def test_a_link_shows_its_text_and_its_address(address: str) -> None:
    assert one(f"see [here]({address})!") == [
        Piece("see "),
        Piece("[", url=address, mark=True),
        Piece("here", url=address),
        Piece(f"]({address})", url=address, mark=True),
        Piece("!"),
    ]


def test_a_link_that_poses_as_another_shows_where_it_leads() -> None:
    assert shown("[https://bank.example](https://evil.example)") == "[https://bank.example](https://evil.example)"
    assert urls("[https://bank.example](https://evil.example)") == {"https://evil.example"}


@pytest.mark.parametrize("behind", ["?attach=/etc/passwd", "%0d%0aBcc:c@d.example", ",c@d.example", ";x"])
def test_a_mail_link_with_more_than_an_address_is_not_a_link(behind: str) -> None:
    assert urls(f"[a](mailto:a@b.example{behind})") == set()


def test_an_address_that_no_terminal_accepts_is_text() -> None:
    assert urls(f"https://a.example/{'b' * 2100}") == set()


def test_marks_in_the_text_of_a_link_are_styled() -> None:
    assert styled("[**a** `b`](http://a.example)") == [
        Piece("a", bold=True, url="http://a.example"),
        Piece(" ", url="http://a.example"),
        Piece("b", code=True, url="http://a.example"),
    ]


def test_two_links_keep_their_own_addresses() -> None:
    assert [piece.url for piece in styled("[a](http://a.example) [b](http://b.example)")] == [
        "http://a.example",
        "",
        "http://b.example",
    ]


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "vbscript:x",
        "data:text/html,x",
        "file:///etc/passwd",
        "ftp://a.example",
        "ssh://a.example",
        "mailto:a",
        "//a.example",
        "/etc/passwd",
        "http:a.example",
        "http://",
        "https://a.example:\x1b]2;x\x07",
        "<java script:x>",
    ],
)
def test_only_http_https_and_mail_are_addresses(target: str) -> None:
    assert urls(f"[a]({target})") <= {"https://a.example", "https://a.example:"}
    assert urls(target) <= {"http://a.example", "https://a.example"}
    assert shown(f"[a]({target})").count("a") > 0


@pytest.mark.parametrize("target", ["ftp://a.example/b", "//a.example/b", "/a/b", "ws://a.example/b"])
def test_a_target_that_is_not_an_address_stays_readable(target: str) -> None:
    assert target in shown(f"[https://bank.example]({target})")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://a.example/b", "http://a.example/b"),
        ("see https://a.example.", "https://a.example"),
        ("(www.example.com)", "http://www.example.com"),
        ("<https://a.example>", "https://a.example"),
        ("write to ada@harbour.org.", "mailto:ada@harbour.org"),
    ],
)
def test_an_address_in_the_text_is_a_link(text: str, url: str) -> None:
    assert urls(text) == {url}
    assert shown(text) == text


@pytest.mark.parametrize("text", ["`http://a.example`", "ftp://a.example", "//a.example/x", "`ada@example.com`"])
def test_code_and_addresses_of_other_schemes_are_not_links(text: str) -> None:
    assert urls(text) == set()


def test_an_address_in_other_scripts_shows_what_is_opened() -> None:
    assert shown("http://exämple.com/ä b") == "http://exämple.com/ä (xn--exmple-cua.com) b"
    assert shown("[a](http://exämple.com)") == "[a](http://exämple.com) (xn--exmple-cua.com)"
    assert shown("a@exämple.com") == "a@exämple.com (xn--exmple-cua.com)"
    assert typed("http://exämple.com/ä b") == "http://exämple.com/ä b"


@pytest.mark.parametrize(
    "text",
    [
        "http://xn--exmple-cua.com",
        "https://de.wikipedia.org/wiki/Käse?ä=ö#ü",
        "http://A.example/é",
        "http://[::1]:8080/x",
    ],
)
def test_an_address_that_needs_no_explanation_is_shown_once(text: str) -> None:
    assert shown(text) == text
    assert urls(text)


@pytest.mark.parametrize("code", ["%1B", "%1b", "%9B", "%C2%9B", "%07", "%0A", "%E2%80%AE", "%E2%80%8B", "%00"])
@pytest.mark.parametrize(
    "form", ["http://a.example/{}]2;x", "[b](http://a.example/{}]2;x)", "[http://a.example/{}](ftp://a)"]
)
def test_percent_codes_in_an_address_stay_codes(form: str, code: str) -> None:
    text = form.format(code)
    assert clean(shown(text)) == shown(text)
    assert shown(text).isprintable()
    assert code.lower() in shown(text).lower()
    assert all(url.isascii() and url.isprintable() for url in urls(text))


def test_lines_between_fences_are_code_as_typed() -> None:
    assert lines("before\n```py\n  **x** = `y`\n\n[a](http://b.example)\n```\n**after**") == [
        [Piece("before")],
        [Piece("```py", code=True, mark=True, fenced=True)],
        [Piece("  **x** = `y`", code=True, fenced=True)],
        [Piece("", code=True, fenced=True)],
        [Piece("[a](http://b.example)", code=True, fenced=True)],
        [Piece("```", code=True, mark=True, fenced=True)],
        [Piece("**", bold=True, mark=True), Piece("after", bold=True), Piece("**", bold=True, mark=True)],
    ]


def test_text_below_a_closed_code_line_is_not_code() -> None:
    assert not any(piece.code for piece in lines("```a```\n**y**")[-1])


def test_indentation_is_kept() -> None:
    assert shown("if x:\n    y\n\n\tz") == "if x:\n    y\n\n\tz"
    assert styled("    **a**") == [Piece("    "), Piece("a", bold=True)]


def test_emphasis_does_not_cross_lines() -> None:
    assert shown("**a\nb**") == "**a\nb**"
    assert len(lines("a\n\n\nb")) == 4
    assert not any(piece.bold for line in lines("**a\nb**") for piece in line)


@pytest.mark.parametrize("text", ["", "\n", " ", "\n\n"])
def test_empty_lines_are_kept(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize("grammar", [*ADVERSARIAL, *MULTILINE], ids=repr)
def test_a_message_has_few_pieces_besides_its_lines_and_all_of_its_text(grammar: Grammar) -> None:
    text = grammar.text(grammar.fitting(4000))
    found = lines(text)
    assert sum(len(line) for line in found) <= len(found) + 4 * MAX_MARKS
    assert typed(text) == text


MARKUP = "*_~`[]()<>\\!#&|:/.@%-+\"' "


@given(st.text(st.one_of(st.characters(), st.sampled_from(f"{MARKUP}\n\tah1")), max_size=60))
@example("```insult\nhello\n```")
@example('[a](https://a.example "title")')
@example("****\n__init__ \\_(a)_/")
def test_every_character_is_shown_in_order(text: str) -> None:
    pieces = [piece for line in lines(text) for piece in line]
    assert typed(text) == text
    assert all(piece.url.isascii() and piece.url.isprintable() for piece in pieces)
    assert all(piece.url.lower().startswith(("http://", "https://", "mailto:")) for piece in pieces if piece.url)


@given(st.text(st.one_of(st.characters(), st.sampled_from(f"{MARKUP}\n\tah1")), max_size=60).map(clean))
def test_markdown_of_clean_text_contains_nothing_hostile(text: str) -> None:
    assert all(piece.text.isprintable() or clean(piece.text) == piece.text for line in lines(text) for piece in line)
