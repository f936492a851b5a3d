"""A message as HTML for a site that shows it as it is: what the client shows of its Markdown, and nothing that acts."""

import html
import re

import nh3
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a"}

_FENCE = re.compile(r"\s*`{3,}([^`\s]*)\s*")


def to_html(markdown: str) -> str:
    """Sanitised HTML of TAGS alone; links lead to http and https.

    The dialect is that of tui/markdown.py, line by line: what is no Markdown there (headings, lists, quotes, HTML)
    stays the text that people saw, and nothing that they saw is left out.
    """
    blocks: list[tuple[bool, list[str]]] = [(False, [])]
    for line in markdown.split("\n"):
        fenced, lines = blocks[-1]
        fence = _FENCE.fullmatch(line)
        if fence and not (fenced and fence[1]):
            blocks.append((not fenced, []))
        else:
            lines.append(line)
    found = [_block(lines, fenced=fenced) for fenced, lines in blocks if lines]
    return _cleaner.clean("\n".join(found) or f"<p>{html.escape(markdown)}</p>")


def _block(lines: list[str], *, fenced: bool) -> str:
    if fenced:
        text = "\n".join(lines)
        return f"<pre><code>{html.escape(text)}</code></pre>"
    return f"<p>{'<br>'.join(_markdown.renderInline(line) for line in lines)}</p>"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "linkify": True})
    parser.enable(["backticks", "emphasis", "escape", "link", "linkify", "strikethrough"])
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    # A link to elsewhere stays as it was written: a label whose address was taken away would hide it.
    parser.validateLink = _is_web  # type: ignore[method-assign]
    return parser


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


_markdown = _parser()
_cleaner = nh3.Cleaner(
    tags=TAGS,
    # Without "*" a link could keep its title, which no client shows.
    attributes={"a": {"href"}, "*": set()},
    url_schemes={"http", "https"},
    link_rel="nofollow noopener",
)
