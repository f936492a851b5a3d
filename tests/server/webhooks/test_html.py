"""Messages as HTML: what the client shows, and nothing that a browser would run or load."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.webhooks.html import TAGS, to_html
from tui.client import markdown

NOT_SHOWN = re.compile(r"[^0-9A-Za-z]")


class Page(HTMLParser):
    """Collects what a browser finds in HTML."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.numbers: list[int | None] = []
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))
        if tag in {"ul", "ol"}:
            self.numbers.append(int(dict(attrs).get("start") or 1) if tag == "ol" else None)
        # A browser shows the number of an item.
        if tag == "li" and self.numbers and (number := self.numbers[-1]) is not None:
            self.text += f"{number}. "
            self.numbers[-1] = number + 1

    def handle_endtag(self, tag: str) -> None:
        if tag in {"ul", "ol"}:
            self.numbers.pop()

    def handle_data(self, data: str) -> None:
        self.text += data


def check_is_harmless(source: str) -> None:
    """Check that there are only known tags, no attributes except a link's, and only links to the web."""
    for tag, attributes in Page(source).tags:
        assert tag in TAGS
        if tag == "a":
            known = dict(attributes)
            assert known.pop("rel") == "nofollow noopener"
            assert re.match(r"https?://", known.pop("href", None) or "https://", re.IGNORECASE)
            assert not known
        elif tag == "ol":
            assert all(name == "start" and (value or "").isdecimal() for name, value in attributes)
        else:
            assert not attributes


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("hi", "<p>hi</p>"),
        ("", "<p></p>"),
        ("*a* **b** ~~c~~ `<d>`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>&lt;d&gt;</code></p>"),
        ("one\ntwo\n\nthree", "<p>one<br>two</p>\n\n<p>three</p>"),
        ("```py\na < b\n*c*\n```\nafter", "<pre><code>a &lt; b\n*c*</code></pre>\n\n<p>after</p>"),
        ("```\nnever closed", "<pre><code>never closed</code></pre>"),
        ("```", "<p>```</p>"),
        ("hi\n```rust", "<p>hi</p>\n\n<p>```rust</p>"),
        ("``` two words\nafter", "<p>``` two words<br>after</p>"),
        ("```foo()\nbar()\n```", "<pre><code>foo()\nbar()</code></pre>"),
        ("```insult\nhello\n```", "<pre><code>insult\nhello</code></pre>"),
        ("rm *.o a/*.o; 2*3*4; __init__", "<p>rm *.o a/*.o; 2*3*4; __init__</p>"),
        ("C:\\_a\\*.b \\*c\\*", "<p>C:\\_a\\*.b *c*</p>"),
        ("```\n```py\nx", "<pre><code>```py\nx</code></pre>"),
        ("*one\ntwo*", "<p>*one<br>two*</p>"),
        ("# *a*\nb\n###### c", "<h1><em>a</em></h1>\n\n<p>b</p>\n\n<h6>c</h6>"),
        ("#channel\n####### a\n#", "<p>#channel<br>####### a<br>#</p>"),
        ("hi:\n- a\n- *b*\n\nc", "<p>hi:</p>\n\n<ul>\n<li>a</li>\n<li><em>b</em></li>\n</ul>\n\n<p>c</p>"),
        ("1. a\n2. b\n7. c", '<ol>\n<li>a</li>\n<li>b</li>\n</ol>\n\n<ol start="7">\n<li>c</li>\n</ol>'),
        ("- a\n  - b\n* c", "<ul>\n<li><p>a</p>\n\n<ul>\n<li>b</li>\n</ul></li>\n</ul>\n\n<ul>\n<li>c</li>\n</ul>"),
        ("> a\n> > b\nc", "<blockquote>\n<p>a</p>\n\n<blockquote>\n<p>b</p>\n</blockquote>\n</blockquote>\n\n<p>c</p>"),
        ("> ```\n> *a*\n> ```", "<blockquote>\n<pre><code>*a*</code></pre>\n</blockquote>"),
        ("-a\n1.5 b\n- \n01. c", "<p>-a<br>1.5 b<br>- <br>01. c</p>"),
        ("---\n***", "<p>---<br>***</p>"),
        ("a &amp; b &lt;", "<p>a &amp;amp; b &amp;lt;</p>"),
        (
            "[shop](https://a.example/?x=1&y=2)",
            '<p><a href="https://a.example/?x=1&amp;y=2" rel="nofollow noopener">shop</a></p>',
        ),
        ("example.com", '<p><a href="http://example.com" rel="nofollow noopener">example.com</a></p>'),
        ("![x](https://a.example)", '<p>!<a href="https://a.example" rel="nofollow noopener">x</a></p>'),
    ],
)
def test_html_of_a_message_has_the_elements_of_barertc(text: str, html: str) -> None:
    assert to_html(text) == html


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<style>*{display:none}</style><!-- <p> --><iframe src=//x>",
    "<a href='javascript:alert(1)'>x</a>",
    "<b><i><script",
    "</p></code></pre><script>alert(1)</script>",
    "# <script>alert(1)</script>\n> <img src=x onerror=alert(1)>\n- <svg/onload=alert(1)>\n1. </li></ol><script>",
    "- [x](javascript:alert(1))\n> [x](javascript:alert(1))\n# [x](data:text/html,x)",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "```\"onmouseover='alert(1)'\nx\n```",
    "`</code><script>alert(1)</script>`",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](vbscript:x) [x](file:///etc/passwd) [x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "[x](//x.example) [x](/logout) [x](logout) [x](#top) [x](mailto:a@x.example)",
    '[x](https://x.example/"onmouseover="alert(1))',
    "[x](https://x.example/ \"'onmouseover='alert(1)\")",
    "[<img src=x onerror=alert(1)>](https://x.example)",
    "[[x](https://a.example)](https://b.example)",
    "https://x.example/<script>alert(1)</script>",
    "**<script>** ~~</script>~~ *[*](*",
    "\x00<\x00script>\x1b]52;c;eA==\x07",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text: str) -> None:
    check_is_harmless(to_html(text))


@pytest.mark.parametrize("text", ["[x](javascript:alert(1))", "[x](ftp://x.example/a)", "[x](logout)", "a@x.example"])
def test_a_link_to_another_scheme_is_shown_as_typed(text: str) -> None:
    assert to_html(text) == f"<p>{text}</p>"


@given(st.text(st.sampled_from("*_`~[]()<>\\&\"'! \n\tab7#-.") | st.characters(codec="utf-8"), max_size=200))
def test_any_text_gives_harmless_html(text: str) -> None:
    check_is_harmless(to_html(text))


PIECES = [
    "*", "**", "_", "`", "```", "~~", "~~~", "[", "](", ")", "[x]:", "https://a.example", "\\", "#", ">", "-", "1.",
    "<b>", "<!--", "&amp;", '"', "!", "word", "x", "7", " ", "\n", "\t", "    ",
]  # fmt: skip
MARKED = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(MARKED)
@example("``` you would not see this\nx")
@example("```\n```nor-this\nx")
@example("~~~ nor this\nx")
@example("[x]: https://a.example/nor-this\nx")
def test_html_leaves_out_only_marks_and_link_targets(text: str) -> None:
    seen = "".join(
        piece.text for line in markdown.lines(text) for piece in line if not piece.mark or not _is_left_out(piece)
    )
    shown = iter(NOT_SHOWN.sub("", Page(to_html(text)).text))
    assert all(char in shown for char in NOT_SHOWN.sub("", seen))


def _is_left_out(piece: markdown.Piece) -> bool:
    return piece.added or piece.text.startswith("](")


@pytest.mark.parametrize(
    "piece",
    [
        "*",
        "_a_",
        "[",
        "[a](",
        "![",
        "`",
        "~~",
        "<b>",
        "> ",
        "- ",
        "http://",
        "a@",
        "\\",
        "`a``",
        "[a](https://x",
        ">\n- ",
    ],
)
def test_4000_nested_marks_give_harmless_html(piece: str) -> None:
    check_is_harmless(to_html((piece * 4000)[:4000]))
