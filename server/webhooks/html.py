"""Markdown -> HTML that a site can show as it is."""

import nh3
from markdown_it import MarkdownIt

TAGS = {"p", "br", "strong", "em", "s", "code", "pre", "a", "ul", "ol", "li", "blockquote"}
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True}).enable(
    ["linkify", "strikethrough"]
)


def to_html(markdown: str) -> str:
    """Sanitised HTML; what is no Markdown stays as text."""
    return nh3.clean(
        _markdown.render(markdown), tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https"}
    ).strip()
