"""Renders a report as HTML, for the inbox and for its own page. All text from users is escaped."""

from collections.abc import Sequence
from datetime import datetime
from html import escape

from server.demo.inbox import Card, ContextMessage, ReceivedReport
from server.protocol import target
from server.protocol.wording import counted

EXCERPT_LINES = (2, 1)
"""Number of messages before and after the reported one in the inbox."""
OPEN_LINES = 3
"""Number of messages on each side on a report's page; the others are folded."""


def excerpt(card: Card) -> str:
    """Render a report for the inbox."""
    report = card.report
    before, after = _around(report)
    shown_before, shown_after = before[-EXCERPT_LINES[0] :], after[: EXCERPT_LINES[1]]
    more = len(report.context) - len(shown_before) - len(shown_after)
    talk = f'<div class="excerpt">{_lines(shown_before)}{_reported(report)}{_lines(shown_after)}</div>'
    rest = f'<span class="more">{_count(more, "more ")} of context</span>' if more else ""
    opening = "Open" if card.withdrawn or card.answer else "Answer"
    link = f'<a class="open" href="/reports/{escape(report.report_id)}">{opening}</a>'
    return _card(card, talk, f'<div class="foot">{_state(card)}{rest}{link}</div>')


def whole(card: Card) -> str:
    """Render a report for its own page."""
    before, after = _around(card.report)
    far, near = before[:-OPEN_LINES], before[-OPEN_LINES:]
    talk = (
        f"{_folded(far, 'earlier')}{_lines(near)}{_reported(card.report)}"
        f"{_lines(after[:OPEN_LINES])}{_folded(after[OPEN_LINES:], 'later')}"
    )
    state = _state(card)
    return _card(card, f"<div>{talk}</div>", f'<div class="foot">{state}</div>' if state else "")


def _card(card: Card, talk: str, foot: str) -> str:
    report = card.report
    look, mark = (' class="withdrawn"', _tag("Withdrawn")) if card.withdrawn else ("", "")
    return f"""<article id="{escape(report.report_id)}"{look}>
<div class="top"><div>{_tag(report.reason)}{mark}</div>{_time(report.timestamp)}</div>
<p class="who">{_person(report.from_username)} reported {_person(report.about_username)} {_place(report.channel)}</p>
{talk}
{_comment(report)}
{"".join(map(_addition, card.additions))}
{foot}
{_answer(card)}
</article>"""


def _around(report: ReceivedReport) -> tuple[list[ContextMessage], list[ContextMessage]]:
    """Return the messages before and after the reported one."""
    before = [line for line in report.context if line.timestamp <= report.timestamp]
    return before, [line for line in report.context if line.timestamp > report.timestamp]


def _reported(report: ReceivedReport) -> str:
    flag = '<span class="flag" role="img" aria-label="reported">⚑</span>'
    author = f"{flag} {_author(report.about_username)} " if report.context else ""
    return f'<blockquote dir="auto">{author}{escape(report.message)}</blockquote>'


def _lines(lines: Sequence[ContextMessage]) -> str:
    return "".join(f'<p class="line" dir="auto">{_author(line.username)} {escape(line.message)}</p>' for line in lines)


def _folded(lines: Sequence[ContextMessage], which: str) -> str:
    if not lines:
        return ""
    return f"<details><summary>{_count(len(lines), f'{which} ')}</summary>{_lines(lines)}</details>"


def _count(number: int, which: str = "") -> str:
    return counted(number, f"{which}message")


def _comment(report: ReceivedReport) -> str:
    if not report.comment:
        return ""
    return f'<p class="comment" dir="auto"><b>Comment</b>{escape(report.comment)}</p>'


def _addition(report: ReceivedReport) -> str:
    said = f'<p class="who">{_person(report.from_username)} added {_tag(report.reason)}</p>{_comment(report)}'
    return f'<div class="added">{said}</div>'


def _state(card: Card) -> str:
    return f'<span class="state">✓ {card.answer.status.capitalize()}</span>' if card.answer else ""


def _answer(card: Card) -> str:
    """Render the note, and the error if the server could not be notified."""
    if not card.answer:
        return ""
    note, problem = card.answer.note, card.answer.problem
    said = f'<p class="note" dir="auto">{escape(note)}</p>' if note else ""
    return said + (f'<p class="problem">The reporter was not notified: {escape(problem)}</p>' if problem else "")


def _tag(words: str) -> str:
    return f'<span class="tag">{escape(words)}</span>'


def _person(name: str) -> str:
    return f'<bdi class="person">{escape(name)}</bdi>'


def _author(name: str) -> str:
    """Render the author of a message; names cannot contain the separator."""
    return f"{_person(name)}»"


def _place(channel: str) -> str:
    if target.is_conversation(channel):
        return "in a direct message"
    return f"in <bdi>#{escape(channel)}</bdi>"


def _time(at: datetime) -> str:
    """Render a time in this machine's time zone."""
    local = at.astimezone()
    return f'<time datetime="{local.isoformat()}">{local.day} {local:%b %Y, %H:%M}</time>'
