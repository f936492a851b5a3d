"""Our Markdown compared with markdown-it, the oracle for everything except bare links."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from server.protocol.markdown import MAX_LINE_CHARS, WEB, TextBlock, Token, blocks, parse, tokens

SCHEMES = ("to:",)
"""Characters that no bare link contains, so that none is found here."""
MARKS = (
    "*", "**", "_", "__", "~", "~~", "~~~", "`", "``", "\\", "[", "]", "(", ")", "](", "<", ">", '"', "'", " ", "!",
    "a", "b", ".", "/", "\t", "é", "字", "\u0301", "\xa0", "€", "“", "[a](", "](to:a", "](<to:a b>", "](to:b ",
)  # fmt: skip


def oracle() -> MarkdownIt:
    """Return a parser with our rules: links to SCHEMES only, and unlimited nesting of brackets."""
    parser = MarkdownIt("zero", {"maxNesting": 1000})
    parser.enable(["backticks", "emphasis", "escape", "link", "strikethrough"])
    parser.validateLink = lambda url: url.startswith(SCHEMES)  # type: ignore[method-assign]
    return parser


ORACLE = oracle()


def expected(line: str) -> list[Token]:
    """Parse a line with markdown-it; return our tokens, without addresses."""
    found = []
    for token in ORACLE.parseInline(line)[0].children or []:
        # A link to nowhere is none here.
        assume(not token.attrs or token.attrs["href"])
        if token.nesting or token.content:
            found.append(Token(token.tag, token.content, opens=token.nesting > 0))
    return found


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join))
@example("***a** b*")
@example("*a**b*")
@example("~~~a~~~")
@example("[*a.**](to:a)")
@example("[a [b](to:a) c](to:b)")
@example(r"\``a``b`")
def test_everything_but_bare_links_is_like_markdown_it(line: str) -> None:
    # At its edges, markdown-it drops white space, as if this were a paragraph.
    line = f"a{line}b"
    assert [token._replace(href="") for token in parse(line, SCHEMES)] == expected(line)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```py\n*b*\n```\nc\nd", [(False, ["a"]), (True, ["*b*"]), (False, ["c", "d"])]),
        ("```\n```py\na", [(True, ["```py", "a"])]),
        ("``` a b", [(False, ["``` a b"])]),
        ("```", []),
        ("", [(False, [""])]),
    ],
)
def test_lines_between_fences_are_a_block_of_code(text: str, found: list[tuple[bool, list[str]]]) -> None:
    assert blocks(text) == [TextBlock(*block) for block in found]


def test_a_line_that_is_too_long_is_text() -> None:
    marked = "*a*" + "b" * (MAX_LINE_CHARS - 3)
    assert tokens(marked, WEB)[0] == Token("em", opens=True)
    assert tokens(f"{marked}b", WEB) == [Token("", f"{marked}b")]


@pytest.mark.parametrize("line", ["", "a", "2 > 1 & 3 < 4: (so) what? #1!", "a. b: c", "10 % / |"])
def test_a_line_without_marks_is_not_parsed_and_is_the_same_if_it_is(line: str) -> None:
    assert tokens(line, WEB) == parse(line, WEB) == [Token("", line)] * bool(line)


@given(st.text(st.one_of(st.characters(), st.sampled_from(" .:/,-'\"()?@wwwhttpmailto")), min_size=1))
def test_lines_that_skip_the_parser_have_no_marks(line: str) -> None:
    assert tokens(line, WEB) == parse(line, WEB)
