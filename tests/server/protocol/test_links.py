"""Bare links: where they start and end, and which address they open."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink

from server.protocol.links import address, bare_links

ORACLE = MarkdownIt("zero", {"linkify": True}).enable("linkify")
ORACLE.normalizeLinkText = lambda link: link  # type: ignore[method-assign]


def found(line: str) -> list[str]:
    """Return the texts of the links in a line."""
    return [line[link.start : link.end] for link in bare_links(line)]


def expected(line: str) -> list[tuple[str, str]]:
    """Return texts and addresses of the links found by linkify-it, which markdown-it uses."""
    tokens = ORACLE.parseInline(line)[0].children or []
    return [(text.content, str(link.attrs["href"])) for link, text in pairwise(tokens) if link.type == "link_open"]


ORDINARY = [
    "http://a.example",
    "HTTPS://A.example/B",
    "http://localhost:8000/a/b?c=d&e=f#g",
    "http://127.0.0.1:9000/",
    "http://xn--bcher-kva.example",
    "http://bücher.example/straße",
    "http://例え.example/日本",
    "https://☕.example",
    "see https://a.example/b.",
    "see https://a.example/b, or https://c.example/d; or (https://e.example/f)!",
    "https://en.wikipedia.org/wiki/Foo_(bar)",
    "(https://en.wikipedia.org/wiki/Foo_(bar))",
    "https://a.example/b_c_d/~e/f-g",
    "https://a.example/b,c;d!e",
    "https://a.example/it's",
    "https://a.example/@b",
    "<https://a.example/b>",
    "http://a.example:80",
    "請看http://a.example",
    "http://a.example.",
    "http://a.example...",
    "http://a.example/b?",
    "http://a_b.example",
    "http://-a.example",
    "http://a-.example",
    "http://",
    "http:///a",
    "a http://a.example http://b.example b",
    "www.example.org",
    "(www.example.com)",
    "www.example.org/a(b)c",
    "example.com",
    "Example.COM:8080/a",
    "bücher.de",
    "a.b.c.xn--p1ai",
    "example.com.",
    "it is 3.5, e.g. or i.e. v1.2.3",
    "path/to/example.com",
    ".example.com",
    "-example.com",
    "@example.com",
    "see:example.com",
    "a_example.com",
    "user@example.org",
    "<user@example.org>",
    "write to first.last+tag@sub.example.org.",
    "mailto:user@example.org",
    "user@@example.org",
    "user@localhost",
    "@user",
    "user@-example.org",
]


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_links_are_those_that_linkify_it_finds(line: str) -> None:
    assert [(line[link.start : link.end], link.href) for link in bare_links(line)] == expected(line)


@pytest.mark.parametrize(
    ("line", "links"),
    [
        ("*example.com* _www.example.org_ ~~http://a.example/b~~", ["example.com", "www.example.org", "http://a.example/b"]),
        ("**http://a.example/b**", ["http://a.example/b"]),
        ("_first_last@example.org_", ["first_last@example.org"]),
        ("www.chat.example user@chat.example", ["www.chat.example", "user@chat.example"]),
        ("http://user@bank.example http://bank.example@evil.example", []),
        ("`http://a.example/b`", ["http://a.example/b"]),
        ("http://a.example/(b", ["http://a.example/(b"]),
        ("http://a.example/b)c", ["http://a.example/b"]),
        ("ftp://a.com //a.com ws://a.com C:\\a.com", []),
        (f"http://{'a' * 64}.example http://{'a' * 63}.example", [f"http://{'a' * 63}.example"]),
        (f"http://{'a.' * 127}com", []),
        (f"{'a' * 65}@example.org {'b' * 64}@example.org", [f"{'b' * 64}@example.org"]),
        ("x=example.com", ["example.com"]),
        ("...http://a.example", ["http://a.example"]),
        ("xhttp://a.example git+http://a.example", []),
        ("http://[::1]:8080/x, (https://[2001:db8::1.2.3.4]/)", ["http://[::1]:8080/x", "https://[2001:db8::1.2.3.4]/"]),
        ("http://[::1 http://[x]/ http://[1]/ http://[::1]@evil.example", []),
        ("„https://a.example/b”, «https://c.example/d»; https://e.example/f… https://g.example/h。",
         ["https://a.example/b", "https://c.example/d", "https://e.example/f", "https://g.example/h"]),
    ],
)  # fmt: skip
def test_unusual_links_follow_our_own_rules(line: str, links: list[str]) -> None:
    assert found(line) == links


@pytest.mark.parametrize(
    "target",
    [
        "http://a.example/b?c=d&e[]=f#g",
        "http://bücher.example/straße?ä=ö",
        "https://名.例.example:80/%C3%A4%zz%",
        "https://bücher。example/",
        "http://user:pw@bücher.example/",
        "mailto:a@bücher.example",
        "http://a.example/\"<>'`{}|\\^ b",
        "HTTP://A.example",
    ],
)
def test_an_address_is_written_as_markdown_it_writes_it(target: str) -> None:
    assert address(target) == normalizeLink(target)


@given(st.text(max_size=80))
def test_an_address_is_printable_ascii(target: str) -> None:
    for written in (address(target), address(f"http://{target}"), address(f"mailto:a@{target}")):
        assert written.isascii()
        assert not set(written) & set('\x00\x1b\x7f "<>\\`')


def test_the_brackets_of_an_ipv6_address_stay() -> None:
    assert address("http://[::1]:8080/a[b]") == "http://[::1]:8080/a%5Bb%5D"
    assert address("http://[x]/") == "http://%5Bx%5D/"


def test_a_label_that_is_too_long_for_punycode_is_percent_encoded() -> None:
    assert address(f"http://{'ä' * 64}.example") == f"http://{'%C3%A4' * 64}.example"


@given(st.text(st.sampled_from("htp:/w.@-_xn()[]~*,;é字 \u0301ab1"), max_size=60))
def test_links_are_in_order_and_do_not_overlap(line: str) -> None:
    end = 0
    for link in bare_links(line):
        assert end <= link.start < link.end
        end = link.end
