"""Finds a message by the text that a client claims for it, such as the HTML that a BareRTC client displays."""

import html
import re
from collections.abc import Iterable

_ELEMENT = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"[*_`~>#|\\-]")
"""Markdown marks: in displayed HTML they are elements, or missing."""


def find(claimed: str, texts: Iterable[tuple[int, str]]) -> int | None:
    """Return the number of the first text that equals the claimed one, otherwise of the first that is displayed alike.

    Return None if there is neither.
    """
    candidates = list(texts)
    displayed = _displayed(claimed)
    exact = (number for number, text in candidates if text == claimed)
    alike = (number for number, text in candidates if displayed and _displayed(text) == displayed)
    return next(exact, None) or next(alike, None)


def _displayed(text: str) -> str:
    """Return the words of a text, whether it is Markdown or HTML."""
    words = html.unescape(_ELEMENT.sub(" ", text))
    return "".join(_MARKUP.sub("", words).split()).casefold()
