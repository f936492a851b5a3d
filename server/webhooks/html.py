"""Renders messages as HTML that a site can show unchanged: without active content, and with BareRTC's elements.

As a program, it reads a JSON list of messages from standard input, and writes a JSON list with the HTML of each.
"""

import html
import re
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import nh3

from server.protocol.markdown import WEB, MessageParser, Token
from server.protocol.text_blocks import TextBlock, blocks

TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "a", "ul", "ol", "li", "blockquote",
    "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
MAX_DEPTH = 8
"""Maximum nesting of quotes and lists; deeper ones are text. Each level parses its lines again."""
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_QUOTED = re.compile(r">[ \t]?(.*)")
_ITEM = re.compile(r"(?:([-*+])|(0|[1-9]\d{0,8})[.)])[ \t]+(\S.*)")
_INDENTED = re.compile(r"(?: {2,4}|\t)(.*)")
_KNOWN = (
    "asm awk bash basic c c# c++ clojure cmake cobol conf console cpp cs csharp css csv dart diff dockerfile "
    "elixir elm erlang fish fortran fsharp go golang graphql groovy haskell hcl html http ini java javascript "
    "js json json5 jsonc jsx julia kotlin latex less lisp log lua make makefile markdown matlab md nginx nim "
    "nix objc objective-c ocaml pascal patch perl php plain plaintext powershell properties proto protobuf ps1 "
    "puppet py python r racket rb regex rs ruby rust sass scala scheme scss sh shell solidity sql svelte svg "
    "swift tcl terraform tex text toml ts tsv tsx txt typescript vb vim vue wasm xml yaml yml zig zsh"
)
LANGUAGES = frozenset(_KNOWN.split())
"""Names of languages. Any other word after an opening fence is shown as part of the code."""


def to_html(markdown: str) -> str:
    """Render a message as sanitised HTML, using only TAGS, and only http and https links.

    Inline marks are those of the client; blocks are those of BareRTC's reports: paragraphs, lists, quotes, headings and
    code. Only marks with an effect are removed, so nothing is hidden from the reader. HTML and other links are shown as
    typed.
    """
    rendered = _render(markdown.split("\n"), MessageParser(WEB))
    return _cleaner.clean(rendered or plain(markdown))


def plain(text: str) -> str:
    """Return HTML that shows a text as typed."""
    return f"<p>{html.escape(text)}</p>"


def _render(lines: Sequence[str], parser: MessageParser, depth: int = 0) -> str:
    found: list[str] = []
    for block in blocks("\n".join(lines)):
        found += [_code(block)] if block.fenced else _text(block.lines, parser, depth)
    return "\n\n".join(found)


def _code(block: TextBlock) -> str:
    if not block.lines:
        return plain(f"{block.opening} {block.closing}".strip())
    said = [block.info] if block.info and block.info.lower() not in LANGUAGES else []
    text = "\n".join([*said, *block.lines])
    return f"<pre><code>{html.escape(text)}</code></pre>"


def _text(lines: Sequence[str], parser: MessageParser, depth: int) -> Iterator[str]:
    """Yield the HTML of each block in lines that contain no fenced code."""
    at = 0
    while at < len(lines):
        kind = _kind(lines[at], depth)
        end = at + 1
        if kind == "item":
            end, rendered = _list(lines, at, parser, depth)
            yield rendered
        else:
            while end < len(lines) and _kind(lines[end], depth) == kind != "heading":
                end += 1
            yield from _run(kind, lines[at:end], parser, depth)
        at = end


def _kind(line: str, depth: int) -> str:
    if not line.strip():
        return "blank"
    if _HEADING.fullmatch(line):
        return "heading"
    if depth < MAX_DEPTH and _QUOTED.fullmatch(line):
        return "quote"
    return "item" if depth < MAX_DEPTH and _ITEM.fullmatch(line) else "paragraph"


def _run(kind: str, lines: Sequence[str], parser: MessageParser, depth: int) -> Iterator[str]:
    """Yield the element for consecutive lines of one kind; blank lines have none."""
    if kind == "heading" and (heading := _HEADING.fullmatch(lines[0])):
        tag = f"h{len(heading[1])}"
        yield f"<{tag}>{_line(heading[2], parser)}</{tag}>"
    elif kind == "quote":
        inner = [quoted[1] for line in lines if (quoted := _QUOTED.fullmatch(line))]
        yield f"<blockquote>\n{_render(inner, parser, depth + 1)}\n</blockquote>"
    elif kind == "paragraph":
        yield f"<p>{'<br>'.join(_line(line, parser) for line in lines)}</p>"


class _Marker(NamedTuple):
    """The marker of a list item: a sign or a number."""

    sign: str
    number: int

    def continues(self, before: "_Marker") -> bool:
        """Return whether this item continues the list: it has the same sign, or the number that browsers show next."""
        return self.sign == before.sign and (bool(self.sign) or self.number == before.number + 1)


def _list(lines: Sequence[str], at: int, parser: MessageParser, depth: int) -> tuple[int, str]:
    """Return the index of the line after the list that starts at `at`, and the element of the list."""
    items: list[str] = []
    first = before = None
    while at < len(lines) and (item := _ITEM.fullmatch(lines[at])):
        marker = _Marker(item[1] or "", int(item[2] or 0))
        if before and not marker.continues(before):
            break
        first, before = first or marker, marker
        content, at = [item[3]], at + 1
        while at < len(lines) and (more := _INDENTED.fullmatch(lines[at])):
            content.append(more[1])
            at += 1
        items.append(f"<li>{_item(content, parser, depth)}</li>")
    tag = "ul" if first is None or first.sign else "ol"
    start = f' start="{first.number}"' if first and tag == "ol" and first.number != 1 else ""
    return at, "\n".join([f"<{tag}{start}>", *items, f"</{tag}>"])


def _item(content: Sequence[str], parser: MessageParser, depth: int) -> str:
    """Return the content of an item; a single line needs no paragraph."""
    if len(content) == 1 and _kind(content[0], depth + 1) == "paragraph":
        return _line(content[0], parser)
    return _render(content, parser, depth + 1)


def _line(line: str, parser: MessageParser) -> str:
    return "".join(map(_written, parser.tokens(line)))


def _written(token: Token) -> str:
    match token:
        case Token("", text):
            return html.escape(text)
        case Token("escape"):
            return ""
        case Token("a", opens=True, href=href):
            return f'<a href="{html.escape(href)}">'
        case Token(tag, opens=opens):
            return f"<{tag}>" if opens else f"</{tag}>"


_cleaner = nh3.Cleaner(
    tags=TAGS,
    # Without "*", links could keep titles, which clients do not show.
    attributes={"a": {"href"}, "ol": {"start"}, "*": set()},
    url_schemes={"http", "https"},
    link_rel="nofollow noopener",
)


if __name__ == "__main__":
    messages = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    sys.stdout.buffer.write(msgspec.json.encode([to_html(message) for message in messages]))
