"""Renders messages as HTML that a site can show as it is: the client's Markdown dialect, without active content.

As a program: reads a JSON list of messages, and writes a JSON list with the HTML of each.
"""

import html
import sys

import msgspec
import nh3

from server.protocol.markdown import WEB, MessageParser, TextBlock, Token, blocks

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a"}
_KNOWN = (
    "asm awk bash basic c c# c++ clojure cmake cobol conf console cpp cs csharp css csv dart diff dockerfile "
    "elixir elm erlang fish fortran fsharp go golang graphql groovy haskell hcl html http ini java javascript "
    "js json json5 jsonc jsx julia kotlin latex less lisp log lua make makefile markdown matlab md nginx nim "
    "nix objc objective-c ocaml pascal patch perl php plain plaintext powershell properties proto protobuf ps1 "
    "puppet py python r racket rb regex rs ruby rust sass scala scheme scss sh shell solidity sql svelte svg "
    "swift tcl terraform tex text toml ts tsv tsx txt typescript vb vim vue wasm xml yaml yml zig zsh"
)
LANGUAGES = frozenset(_KNOWN.split())
"""Names of languages, which a fence may have without being part of the text."""


def to_html(markdown: str) -> str:
    """Render a message as sanitised HTML, using only TAGS, and only http and https links.

    The dialect is the client's: text that is not Markdown there (headings, lists, quotes, HTML) stays as users saw
    it. Only marks that act are left out, so nothing is hidden from the reader. Other links stay as typed.
    """
    parser = MessageParser(WEB)
    found = [_block(block, parser) for block in blocks(markdown)]
    return _cleaner.clean("\n".join(found) or plain(markdown))


def plain(text: str) -> str:
    """Return HTML that shows a text as typed."""
    return f"<p>{html.escape(text)}</p>"


def _block(block: TextBlock, parser: MessageParser) -> str:
    if not block.fenced:
        lines = ("".join(map(_written, parser.tokens(line))) for line in block.lines)
        return f"<p>{'<br>'.join(lines)}</p>"
    if not block.lines:
        return plain(f"{block.opening} {block.closing}".strip())
    said = [block.info] if block.info and block.info.lower() not in LANGUAGES else []
    text = "\n".join([*said, *block.lines])
    return f"<pre><code>{html.escape(text)}</code></pre>"


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
    attributes={"a": {"href"}, "*": set()},
    url_schemes={"http", "https"},
    link_rel="nofollow noopener",
)


if __name__ == "__main__":
    messages = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    sys.stdout.buffer.write(msgspec.json.encode([to_html(message) for message in messages]))
