"""Our Markdown: nothing is lost, emphasis acts only at edges of words, and the rest is compared with markdown-it."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from server.protocol.markdown import MAX_MARKS, WEB, MessageParser, Token, parse
from server.protocol.text_blocks import TextBlock, blocks

SCHEMES = ("to:",)
"""Characters that no bare link contains, so that none is found here."""
MARKS = (
    "`", "``", "[", "]", "(", ")", "](", "<", ">", " ", "!", "a", "b", ".", "/", "\t", "é", "字", "\u0301", "\xa0", "€",
    "“", "[a](", "](to:a", "](<to:a b>",
)  # fmt: skip
ANY = st.text(st.sampled_from("*_~`[]()<>!#|\\/ \n\t\"'.:-=,&;@1ahtps字é") | st.characters(), max_size=60)


def oracle() -> MarkdownIt:
    """Return a parser with our rules: links to SCHEMES only, and unlimited nesting of brackets."""
    parser = MarkdownIt("zero", {"maxNesting": 1000})
    parser.enable(["backticks", "link"])
    parser.validateLink = lambda url: url.startswith(SCHEMES)  # type: ignore[method-assign]
    return parser


ORACLE = oracle()


def tokens(line: str) -> list[Token]:
    """Parse a message of one line."""
    return MessageParser(WEB).tokens(line)


def expected(line: str) -> list[tuple[str, str]]:
    """Parse a line with markdown-it; return our tags and the text between them."""
    found = []
    for token in ORACLE.parseInline(line)[0].children or []:
        # A link to nowhere, or with a title, is none here.
        assume(not token.attrs or (token.attrs["href"] and "title" not in token.attrs))
        code = [("code", "")] * (token.type == "code_inline")
        found += [
            *code,
            *[(token.tag if token.nesting else "", token.content)] * bool(token.nesting or token.content),
            *code,
        ]
    return found


@given(st.lists(st.sampled_from(MARKS), max_size=30).map("".join))
@example("[a [b](to:a) c](to:b)")
def test_code_and_links_are_parsed_as_markdown_it_parses_them(line: str) -> None:
    # At its edges, markdown-it drops white space, as if this were a paragraph.
    line = f"a{line}b"
    assert [(token.tag, "" if token.tag else token.text) for token in parse(line, SCHEMES)] == expected(line)


@given(ANY)
@example("\\*a\\*")
@example("```a\n```")
@example("~~~a~~~ ****b****")
@example('[a](https://a.example "title")')
def test_tokens_and_lines_joined_are_the_text(text: str) -> None:
    found = []
    for block in blocks(text):
        found += [block.opening] * block.fenced
        for line in block.lines:
            assert "".join(token.text for token in tokens(line)) == line
        found += [*block.lines, *[block.closing] * bool(block.closing)]
    assert "\n".join(found) == text


@given(ANY.map(lambda text: text.replace("\n", " ")))
def test_marks_nest_and_are_never_within_a_word(line: str) -> None:
    opened: list[str] = []
    at = 0
    for token in tokens(line):
        if token.tag in {"em", "strong", "s"} and opened[-1:] != ["code"]:
            sides = line[at - 1 : at] if at else "", line[at + len(token.text) :][:1]
            assert not all(side.isascii() and side.isalnum() for side in sides)
        if token.opens:
            opened.append(token.tag)
        elif token.tag not in {"", "escape"}:
            assert opened.pop() == token.tag
        at += len(token.text)
    assert not opened


def emphasised(line: str) -> str:
    """Return a line with tags in place of its marks, and without the backslashes that act."""
    found = ""
    for token in tokens(line):
        tag = f"<{token.tag}>" if token.opens else f"</{token.tag}>"
        found += tag if token.tag not in {"", "escape"} else "" if token.tag else token.text
    return found


@pytest.mark.parametrize(
    "line",
    [
        "rm -rf build/*.o tmp/*.o", "2*3*4=24", "a * b * c", "/*comment*/ and glob **/*.py and src/*.c", "*.py, *.c*",
        "'*.c' '*.h'", "rm *a tmp/*", r"C:\_build\*.obj and \[x\]", r"¯\_(ツ)_/¯", r"\_(ツ)_/", r"\\server\share",
        "__init__", "see __init__.py and __main__", "snake_case_name", "_private and _other", "**kwargs, *args",
        "*args, **kwargs", "f(*a, **b)", "x=*p; y=*q;", ".*foo.*", "a**b**c", "~/a ~/b", "a~~b~~c", "1*2 3*4", "****",
        "** a **", "~~~a~~~", "*", "a*", "*a", "2 ** 3 ** 4", "10_000_000", "SELECT *, a.* FROM b", r"\d+ \. \- \`",
    ],
)  # fmt: skip
def test_text_that_is_not_emphasis_stays_as_typed(line: str) -> None:
    assert tokens(line) == [Token("", line)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("*a* **b** _c_ ~~d~~", "<em>a</em> <strong>b</strong> <em>c</em> <s>d</s>"),
        ("__a b__ ***c***", "<strong>a b</strong> <em><strong>c</strong></em>"),
        ("**a *b***", "<strong>a <em>b</em></strong>"),
        ("***a** b*", "<em><strong>a</strong> b</em>"),
        ('(*a*), "**b**". *c*!', '(<em>a</em>), "<strong>b</strong>". <em>c</em>!'),
        ("*2*3*", "<em>2*3</em>"),
        ("*a*—**b**", "<em>a</em>—<strong>b</strong>"),
        ("これは**強調**です", "これは<strong>強調</strong>です"),
        ("*snake_case* `*a*` *`b`*", "<em>snake_case</em> <code>*a*</code> <em><code>b</code></em>"),
        ("[*a*](https://a.example)", "<a><em>a</em></a>"),
        (r"\*a\* \_b_ *c\* d*", "*a* _b_ <em>c* d</em>"),
        (r"\`a` \[b](https://a.example/)", "`a` [b](<a>https://a.example/</a>)"),
    ],
)
def test_emphasis_begins_and_ends_at_the_edges_of_words(line: str, found: str) -> None:
    assert emphasised(line) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a\n```py\n*b*\n```\nc", [(False, ["a"]), (True, ["*b*"], "```py", "```"), (False, ["c"])]),
        ("```\n```py\na", [(True, ["```py", "a"], "```", "")]),
        ("``` a b", [(False, ["``` a b"])]),
        ("``` a b\nc\n```", [(True, ["c"], "``` a b", "```")]),
        ("````\n```\n`````", [(True, ["```"], "````", "`````")]),
        ("  ```\na\n  ```", [(True, ["a"], "  ```", "  ```")]),
        ("```a```", [(False, ["```a```"])]),
        ("```", [(True, [], "```", "")]),
        ("", [(False, [""])]),
    ],
)
def test_lines_between_fences_are_a_block_of_code(text: str, found: list[tuple[bool, list[str]]]) -> None:
    assert blocks(text) == [TextBlock(*block) for block in found]


@pytest.mark.parametrize("mark", ["*a* ", "a.b ", "\\", "[", "://", "@", "~", "_", "`"])
def test_lines_after_the_maximum_number_of_marks_are_plain_text(mark: str) -> None:
    parser = MessageParser(WEB)
    lines = ["*a*", mark * MAX_MARKS, "plain", "*a*"]
    emphasis = [Token("em", "*", opens=True), Token("", "a"), Token("em", "*")]
    assert [parser.tokens(line) for line in lines] == [emphasis, *([Token("", line)] for line in lines[1:])]


def test_as_many_marks_as_allowed_are_parsed() -> None:
    parser = MessageParser(WEB)
    words = MAX_MARKS // 4
    found = [token for _ in range(2) for token in parser.tokens("*a* " * words)]
    assert sum(token.tag == "em" for token in found) == MAX_MARKS


@pytest.mark.parametrize("line", ["", "a", "2 > 1 & 3 < 4: (so) what? #1!", "a. b: c", "10 % / |"])
def test_a_line_without_marks_is_the_same_with_and_without_parsing(line: str) -> None:
    assert tokens(line) == parse(line, WEB) == [Token("", line)] * bool(line)


@given(st.text(st.one_of(st.characters(), st.sampled_from(" .:/,-'\"()?@wwwhttpmailto")), min_size=1))
def test_lines_that_skip_the_parser_have_no_marks(line: str) -> None:
    assert tokens(line) == parse(line, WEB)
