"""A message as HTML for a site that shows it as it is: what the client shows of its Markdown, and nothing that acts.

As a program: reads a JSON list of messages, writes a JSON list of the HTML of each.
"""

import html
import sys

import msgspec
import nh3

from server.protocol.markdown import WEB, Block, Token, blocks, tokens

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a"}


def to_html(markdown: str) -> str:
    """Sanitised HTML of TAGS alone; links lead to http and https.

    The dialect is the client's, line by line: what is no Markdown there (headings, lists, quotes, HTML) stays the text
    that people saw, and nothing that they saw is left out. A link to elsewhere stays as it was written.
    """
    found = map(_block, blocks(markdown))
    return _cleaner.clean("\n".join(found) or plain(markdown))


def plain(text: str) -> str:
    """HTML that shows a text as it is typed."""
    return f"<p>{html.escape(text)}</p>"


def _block(block: Block) -> str:
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
    # Without "*" a link could keep its title, which no client shows.
    attributes={"a": {"href"}, "*": set()},
    url_schemes={"http", "https"},
    link_rel="nofollow noopener",
)


if __name__ == "__main__":
    messages = msgspec.json.decode(sys.stdin.buffer.read(), type=list[str])
    sys.stdout.buffer.write(msgspec.json.encode([to_html(message) for message in messages]))
