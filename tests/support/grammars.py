"""Texts that may cost a parser more than their length: repeated, nested and random."""

import random
from collections.abc import Iterator
from typing import NamedTuple


class Grammar(NamedTuple):
    """A text of any size: `before`, n times `opening`, `middle`, n times `closing`, `behind`."""

    opening: str
    middle: str = ""
    closing: str = ""
    before: str = ""
    behind: str = ""

    def text(self, size: int) -> str:
        """Return the text for n = `size`."""
        return f"{self.before}{self.opening * size}{self.middle}{self.closing * size}{self.behind}"

    def fitting(self, length: int) -> int:
        """Return the largest n for which the text has at most this many characters."""
        return (length - len(self.text(0))) // len(self.opening + self.closing)


ADVERSARIAL = (
    # Links without marks
    Grammar("www.xn--"),
    Grammar("xn--"),
    Grammar("xn--a."),
    Grammar("www."),
    Grammar("a."),
    Grammar("a.-"),
    Grammar("-"),
    Grammar("a-", before="http://"),
    Grammar("http://"),
    Grammar("http://a."),
    Grammar("https://www.xn--"),
    Grammar("http", before="http://", behind="_a"),
    Grammar("http://a/"),
    Grammar("http://a/("),
    Grammar("http://a/)"),
    Grammar("http://a/?"),
    Grammar("(", "x", ")", before="http://a/"),
    Grammar("([{", "", "}])", before="http://a/"),
    Grammar(".", before="http://a/"),
    Grammar("*_~", before="http://a/"),
    Grammar("//"),
    Grammar("a/"),
    Grammar(":"),
    Grammar("mailto:"),
    Grammar("mailto:a"),
    Grammar("@"),
    Grammar("a@"),
    Grammar("a@a."),
    Grammar("a.a@a.com@"),
    Grammar("a_"),
    Grammar("_"),
    Grammar("_", before="http://a.com", behind="a"),
    Grammar("a+b."),
    Grammar("1.1."),
    Grammar("a.com "),
    Grammar("www.a.com,"),
    Grammar("a@b.com "),
    Grammar("字."),
    Grammar("www.字\u0301."),
    Grammar("\u0301"),
    Grammar("ä", before="http://", behind=".com"),
    Grammar("ä.", before="[a](http://", behind=")"),
    # Code and escapes
    Grammar("`"),
    Grammar("`a"),
    Grammar("`a``b```c````d"),
    Grammar("``` ` "),
    Grammar("a", before="`"),
    Grammar("\\"),
    Grammar("\\`"),
    Grammar("\\a"),
    Grammar(" "),
    Grammar("\t"),
    Grammar(" ", before="```", behind="x y"),
    # Emphasis
    Grammar("*"),
    Grammar("*a"),
    Grammar("a*"),
    Grammar("*_"),
    Grammar("*a_"),
    Grammar("*a", "", "a*"),
    Grammar("**a *"),
    Grammar("**", "a", "**"),
    Grammar("*", " a ", "*"),
    Grammar("_a", "", "a_"),
    Grammar("*a_a", "", "*a_a"),
    Grammar("***a**b"),
    Grammar("a**b"),
    Grammar("~"),
    Grammar("~~"),
    Grammar("~~~"),
    Grammar("~~~a"),
    Grammar("~~a", "", "a~~"),
    Grammar("~~*__"),
    Grammar("*a ", "", " a*"),
    Grammar("a***b**c*d"),
    Grammar("_a*b_", before="**"),
    Grammar("€*“_"),
    # Links with marks
    Grammar("["),
    Grammar("]"),
    Grammar("[", "", "]"),
    Grammar("[", "a", "](http://a)"),
    Grammar("[a](http://b)"),
    Grammar("[a](<"),
    Grammar("[](<a"),
    Grammar("[](("),
    Grammar("[a](http://a"),
    Grammar("[](http://(", "", ")"),
    Grammar("[](http://\\("),
    Grammar('[](http://a "'),
    Grammar("[](http://a '[](http://a \""),
    Grammar("[](http://a ("),
    Grammar('[](http://a "\\"'),
    Grammar("[](http://a \t"),
    Grammar("[*a](http://b)"),
    Grammar("[`](http://a)"),
    Grammar("[www.a.com", "", "](x)"),
    Grammar("[*", "a", "*](http://b)"),
    Grammar("![", "", "](http://a)"),
    Grammar("[]"),
    Grammar("(", before="[]"),
    Grammar("[a][b]"),
    Grammar("<"),
    Grammar("<a>"),
    Grammar("&"),
    Grammar("&amp;"),
)

MULTILINE = (
    Grammar("\n", before="a", behind="b"),
    Grammar("a\n"),
    Grammar("\\\n"),
    Grammar("> *a*\n"),
    Grammar("- a.b\n"),
    Grammar("```\na\n"),
    Grammar("```\n", before="```\n"),
    Grammar("字字字字字字字\n"),
    Grammar("\t\n", behind="a"),
    Grammar("字\t\n"),
    Grammar("a\tb\t\n", before="a\t" * 500),
)
"""Texts that take many lines of the screen."""

TOKENS = (
    "xn--", "www.", "//", "http://", "mailto:", "@", "-", ".", "[", "](", ")", "(", "<", ">", '"', "'", "`", "*", "_",
    "~~", "\\", "a", "字", "\u0301", " ", ":", "/", ".com", "~", "**", "]",
)  # fmt: skip


def drawn(count: int, seed: int = 20) -> Iterator[Grammar]:
    """Yield random grammars, the same ones for each seed."""
    draw = random.Random(seed)
    for _ in range(count):
        opening, middle, closing, before = (
            "".join(draw.choices(TOKENS, k=draw.randrange(*most))) for most in ((1, 6), (0, 2), (0, 4), (0, 3))
        )
        yield Grammar(opening, middle, closing, before)
