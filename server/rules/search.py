"""Search queries: words, phrases and filters, and their form for the index."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from server.protocol import target
from server.protocol.characters import limit_marks
from server.protocol.codes import ErrorCode
from server.rules.refusal import Refusal

TOKEN_CHARS = 3
"""The index has sequences of this many characters; shorter words are searched without it."""

MAX_TOKENS = 16
"""Maximum number of tokens looked up for a query: more would cost time, and hardly narrow the results."""

QUOTES = {'"': '"', "“": "”", "„": "“”", "«": "»", "»": "«", "「": "」"}
"""Opening quotation marks with those that close them."""
_QUOTED = "|".join(f"{opening}[^{closing}]*[{closing}]?" for opening, closing in QUOTES.items())
_TERM = re.compile(rf"(?:(?P<filter>from|in|before|after):)?(?P<value>{_QUOTED}|\S+)", re.IGNORECASE)
_ACCENTS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_GROWTH = 4
"""Maximum growth of a text by compatibility forms: a few characters expand to up to 18 others."""


class Query(NamedTuple):
    """The conditions that a message must meet. `words` are folded words and phrases, found anywhere in its text."""

    words: tuple[str, ...] = ()
    author: str | None = None
    """The name of its author, in any spelling."""
    place: str | None = None
    """A channel's ID or name, with or without #, or `@username`."""
    after: datetime | None = None
    before: datetime | None = None
    mention: str | None = None
    """The name of the reader, if only messages of others that mention them match."""

    @property
    def indexed(self) -> str:
        """Return the query for FTS5: quoted tokens; empty if all words are too short for the index.

        The index knows which messages contain a token, but not where, so their folded texts are compared, too.
        """
        tokens = list(dict.fromkeys(token for word in self.words for token in _tokens(word)))
        step = -(-len(tokens) // MAX_TOKENS) or 1
        return " ".join('"' + token.replace('"', '""') + '"' for token in tokens[::step])


def fold(text: str) -> str:
    """Return the form in which texts and queries are compared: case, width, accents and spaces make no difference."""
    if not text.isascii():
        # Sorting long runs of combining marks takes quadratic time.
        bounded = limit_marks(text)
        split = unicodedata.normalize("NFKD", bounded)
        if len(split) > MAX_GROWTH * len(bounded):
            split = unicodedata.normalize("NFD", bounded)
        folded = unicodedata.normalize("NFD", split.casefold())
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", folded))
    # SQLite would ignore the text after a NUL.
    return " ".join(text.casefold().replace("\0", " ").split())


def mentioning(name: str, text: str, utc_offset: int = 0) -> Query:
    """Parse a query, which may be empty, for messages that mention this name. Raises Refusal for an invalid date."""
    found = query(text, utc_offset) if text.strip() else Query()
    return found._replace(words=(*found.words, fold(name)), mention=name)


def query(text: str, utc_offset: int = 0) -> Query:
    """Parse a query, with dates in the time zone `utc_offset` minutes east of UTC.

    The filters are `from:NAME`, `in:CHANNEL`, `in:@NAME`, `before:DATE` and `after:DATE`. Raises Refusal if the query
    is empty, or if a date is not valid.
    """
    words, filters = [], dict[str, str]()
    for term in _TERM.finditer(text):
        value = _unquoted(term["value"])
        if term["filter"] and value:
            filters[term["filter"].lower()] = value
        elif word := fold(value):
            words.append(word)
    found = Query(
        tuple(words),
        author=target.without_sign(filters["from"]) if "from" in filters else None,
        place=filters.get("in"),
        after=_day(filters, "after", utc_offset),
        before=_day(filters, "before", utc_offset),
    )
    if found == Query():
        raise Refusal(ErrorCode.BAD_QUERY, "Type what to search for.")
    return found


def _unquoted(value: str) -> str:
    closing = QUOTES.get(value[0])
    if closing is None:
        return value
    return value[1:].rstrip(closing) if len(value) > 1 else value


def _day(filters: dict[str, str], name: str, utc_offset: int) -> datetime | None:
    """Return the beginning of the day in a filter; None without the filter. Raises Refusal for an invalid date."""
    if name not in filters:
        return None
    try:
        if not _DATE.fullmatch(filters[name]):
            raise ValueError(name)
        return datetime.fromisoformat(filters[name]).replace(tzinfo=UTC) - timedelta(minutes=utc_offset)
    except (ValueError, OverflowError):
        raise Refusal(ErrorCode.BAD_QUERY, f"{name}: requires a date, for example {name}:2026-11-29.") from None


def _tokens(word: str) -> list[str]:
    return [word[start : start + TOKEN_CHARS] for start in range(len(word) - TOKEN_CHARS + 1)]
