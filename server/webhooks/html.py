"""Renders messages as HTML that a site can show as it is: the client's Markdown dialect, without active content.

As a program: reads a JSON list of messages, and writes a JSON list with the HTML of each.
"""

import html
import sys

import msgspec
import nh3

from server.protocol.markdown import WEB, TextBlock, Token, blocks, tokens

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a"}


def to_html(markdown: str) -> str:
    """Render a message as sanitised HTML, using only TAGS, and only http and https links.

    The dialect is the client's: text that is not Markdown there (headings, lists, quotes, HTML) stays as users saw
    it, and nothing they saw is left out. Other links stay as typed.
    """
    found = map(_block, blocks(markdown))
    return _cleaner.clean("\n".join(found) or plain(markdown))


def plain(text: str) -> str:
    """Return HTML that shows a text as typed."""
    return f"<p>{html.escape(text)}</p>"


def _block(block: TextBlock) -> str:
    if block.fenced:
        text = "\n".join(block.lines)
        return f"<pre><code>{html.escape(text)}</code></pre>"
    return f"<p>{'<br>'.join(map(_line, block.lines))}</p>"


def _line(line: str) -> str:
    return "".join(map(_written, tokens(line, WEB)))


def _written(token: Token) -> str:
    match token:
        case Token("", text):
            return html.escape(text)
        case Token("code", text):
            return f"<code>{html.escape(text)}</code>"
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
