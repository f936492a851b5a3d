"""Filters for what people write: which one applies to a text, and what follows. The first that matches decides."""

from collections.abc import Sequence
from typing import NamedTuple

from server.rules.messages import Publication
from server.rules.patterns import Pattern, compile_pattern

MAX_CONTEXT = 30
"""Messages in the report of a filter, the filtered one included."""
REASON = "Server Side Message Filter"
WOULD_BE_REPORTED = "Your recent chat context would have been reported to your main website."
"""What an operator is told in place of a report, as in BareRTC."""
REFUSED_EDIT = "This text isn't allowed here, so your message stays as it was."
_INTRODUCTION = (
    "This is an automated report via server side chat filters.",
    "The recent context in this channel included the following conversation:",
)


class Filter(NamedTuple):
    """A filter that is on."""

    phrases: tuple[Pattern, ...]
    public: bool
    private: bool
    censor: bool
    forward: bool
    report: bool
    response: str


class FilterVerdict(NamedTuple):
    """What follows for a text."""

    text: str
    """The text to deliver."""
    forward: bool = True
    """Deliver it; otherwise only its author sees it."""
    report: bool = False
    responses: tuple[str, ...] = ()
    """What ChatServer says to the author."""


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
    for each in filters:
        spans = _matches(each, text) if (each.private if private else each.public) else []
        if spans:
            responses = [each.response] if each.response else []
            if each.report and author_op:
                responses.append(WOULD_BE_REPORTED)
            shown = _censored(text, spans) if each.censor else text
            return FilterVerdict(shown, each.forward, each.report and not author_op, tuple(responses))
    return FilterVerdict(text)


def _matches(one: Filter, text: str) -> list[tuple[int, int]]:
    return [match.span() for phrase in one.phrases for match in phrase.finditer(text)]


def _censored(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Replace each character of these spans, except line breaks, with an asterisk."""
    hidden = {at for start, end in spans for at in range(start, end)}
    return "".join("*" if at in hidden and char != "\n" else char for at, char in enumerate(text))


def report_comment(context: Sequence[Publication], publication: Publication, text: str) -> str:
    """Return the comment of an automatic report, as BareRTC's: what was said until then, and the text as typed."""
    before = [each for each in context if each.msg_id < publication.msg_id]
    lines = [(each.at, each.author.name, each.text) for each in before[-MAX_CONTEXT + 1 :]]
    lines.append((publication.edited_at or publication.at, publication.author.name, text))
    said = (f"{at:%Y-%m-%d %H:%M:%S} [{name}] {words}" for at, name, words in lines)
    return "\n\n".join([*_INTRODUCTION, *said])
