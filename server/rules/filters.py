"""Filters for what people write: the first one that matches a text decides what happens to it."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from server.protocol.characters import UNSEEN
from server.rules.messages import Publication
from server.rules.patterns import Pattern, compile_pattern

MAX_CONTEXT = 30
"""Maximum number of messages quoted in the report of a filter, including the filtered one."""
MAX_LETTERS = 4
"""Maximum number of letters to which a character is expanded, like the ligature of ffi."""
REASON = "Server Side Message Filter"
WOULD_BE_REPORTED = "Your recent chat context would have been reported to your main website."
"""The reply to an operator in place of a report, as in BareRTC."""
REFUSED_EDIT = "This text isn't allowed here, so your message stays as it was."
_INTRODUCTION = (
    "This is an automated report via server side chat filters.",
    "The recent context in this channel included the following conversation:",
)


class Filter(NamedTuple):
    """An enabled filter: its phrases, where it applies, and what happens to a text that matches."""

    phrases: tuple[Pattern, ...]
    public: bool
    private: bool
    censor: bool
    forward: bool
    report: bool
    response: str


class FilterVerdict(NamedTuple):
    """The verdict of the filters on a text."""

    text: str
    """The text to deliver."""
    forward: bool = True
    """Deliver it; otherwise only its author sees it."""
    report: bool = False
    responses: tuple[str, ...] = ()
    """What ChatServer says to the author."""


class _Reading(NamedTuple):
    """A form of a text to match against, and the position of each of its characters in the typed text."""

    text: str
    places: Sequence[int]

    def matches(self, phrase: Pattern) -> list[tuple[int, int]]:
        """Return the spans of the typed text that a phrase matches."""
        found = [match.span() for match in phrase.finditer(self.text)]
        return [(self.places[start], self.places[end - 1] + 1) if start < end else (0, 0) for start, end in found]


def phrases(expressions: Sequence[str]) -> tuple[Pattern, ...]:
    """Compile the phrases of a filter. Raises PatternError."""
    return tuple(map(compile_pattern, expressions))


def judge(
    filters: Sequence[Filter], text: str, *, private: bool, author_op: bool, peer_op: bool = False
) -> FilterVerdict:
    """Apply the filters to a text as typed.

    What operators write in channels is filtered too, but not reported; conversations with operators are not filtered.
    """
    if private and (author_op or peer_op):
        return FilterVerdict(text)
    readings = _readings(text) if filters else []
    for each in filters:
        spans = _matches(each, readings) if (each.private if private else each.public) else []
        if spans:
            responses = [each.response] if each.response else []
            if each.report and author_op:
                responses.append(WOULD_BE_REPORTED)
            shown = _censored(text, spans) if each.censor else text
            return FilterVerdict(shown, each.forward, each.report and not author_op, tuple(responses))
    return FilterVerdict(text)


def _matches(one: Filter, readings: Sequence[_Reading]) -> list[tuple[int, int]]:
    return [span for phrase in one.phrases for reading in readings for span in reading.matches(phrase)]


def _readings(text: str) -> list[_Reading]:
    """Return a text as typed, and as people read it: without invisible characters, and with plain letters."""
    typed = _Reading(text, range(len(text)))
    if text.isascii():
        return [typed]
    plain = [
        (char, place)
        for place, one in enumerate(text)
        if one.isspace() or not UNSEEN.match(one)
        for char in _letters(one)
    ]
    return [typed, _Reading("".join(char for char, _ in plain), [place for _, place in plain])]


def _letters(char: str) -> str:
    """Return a character in plain letters; unchanged if it expands to a whole phrase, like U+FDFA."""
    plain = unicodedata.normalize("NFKC", char)
    return plain if len(plain) <= MAX_LETTERS else char


def _censored(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Replace each character of these spans, except line breaks, with an asterisk."""
    hidden = {at for start, end in spans for at in range(start, end)}
    return "".join("*" if at in hidden and char != "\n" else char for at, char in enumerate(text))


def report_comment(context: Sequence[Publication], publication: Publication, text: str) -> str:
    """Return the comment of an automatic report, as in BareRTC: what was said before, and the text as typed."""
    before = [each for each in context if each.msg_id < publication.msg_id]
    lines = [(each.at, each.author.name, each.text) for each in before[-MAX_CONTEXT + 1 :]]
    lines.append((publication.edited_at or publication.at, publication.author.name, text))
    said = (f"{at:%Y-%m-%d %H:%M:%S} [{name}] {words}" for at, name, words in lines)
    return "\n\n".join([*_INTRODUCTION, *said])
