"""Drafts, messages and reports that the server does not have: their saved form, and their restoration."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from msgspec import Struct

from server.protocol import target
from server.protocol.frames import ReportRequest
from tui.client.entries import Pending
from tui.client.own_reports import GONE, AskedReport, Remark, ReportDraft
from tui.client.state import ClientState
from tui.tone import Tone

VERSION = 1
MAX_BYTES = 512 * 1024
"""Maximum size of everything together; what the server refused is left out first."""
RESEND_WITHIN = timedelta(hours=20)
"""A server knows the nonce of a message for a day: sent again within it, the message counts once."""
TOO_OLD = "It could not be sent within 20 hours. Send it again if it still matters."

Item = TypeVar("Item")


class UnsentMessage(Struct, frozen=True, omit_defaults=True):
    """A message that the server has not confirmed; `failure` says why it was refused."""

    channel: str
    text: str
    nonce: str
    at: datetime
    failure: str | None = None


class UnsentReport(Struct, frozen=True):
    """A report that the server has not answered; `about` is the author of the message."""

    request: ReportRequest
    channel: str
    about: str


class UnsentForm(Struct, frozen=True):
    """A report form that was filled in and not sent."""

    msg_id: int
    reason: str
    comment: str
    context: tuple[int, ...] = ()


class Unsent(Struct, frozen=True, omit_defaults=True):
    """Everything unsent of one person at one server."""

    version: int = VERSION
    epoch: str = ""
    """The numbering that reports refer to."""
    drafts: dict[str, str] = {}
    """By channel or conversation."""
    messages: tuple[UnsentMessage, ...] = ()
    reports: tuple[UnsentReport, ...] = ()
    withdrawals: dict[str, str] = {}
    """Nonce -> reportID."""
    forms: tuple[UnsentForm, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.drafts or self.messages or self.reports or self.withdrawals or self.forms)

    def joined(self, other: "Unsent") -> "Unsent":
        """Return the combination of this and a later one, which may repeat or continue what is in this one."""
        drafts = dict(self.drafts)
        for place, text in other.drafts.items():
            before = drafts.get(place, "")
            drafts[place] = text if text.startswith(before) else f"{before}\n{text}"
        return Unsent(
            epoch=self.epoch or other.epoch,
            drafts=drafts,
            messages=_latest(self.messages, other.messages, lambda message: message.nonce),
            reports=_latest(self.reports, other.reports, lambda report: report.request.nonce),
            withdrawals={**self.withdrawals, **other.withdrawals},
            forms=_latest(self.forms, other.forms, lambda form: form.msg_id),
        )


def _latest(before: Iterable[Item], after: Iterable[Item], key: Callable[[Item], object]) -> tuple[Item, ...]:
    """Return all items; of several with the same key, only the latest."""
    return tuple({key(each): each for each in (*before, *after)}.values())


def collect(state: ClientState) -> Unsent:
    """Return everything in the state that is not sent, up to MAX_BYTES."""
    within_budget = _budget()
    said = [
        UnsentMessage(timeline.id, each.text, each.nonce, each.at, each.failure)
        for timeline in state.timelines.values()
        for each in timeline.own
    ]
    reports = state.reports
    pending = within_budget([each for each in said if not each.failure])
    return Unsent(
        epoch=state.welcome.epoch if state.welcome else "",
        reports=tuple(within_budget([UnsentReport(*each) for each in reports.pending])),
        withdrawals=dict(within_budget(list(reports.withdrawing.items()))),
        drafts=dict(within_budget([(place, text) for place, text in state.drafts.items() if text.strip()])),
        forms=tuple(within_budget([UnsentForm(msg_id, *draft) for msg_id, draft in reports.drafts.items()])),
        messages=(*pending, *within_budget([each for each in said if each.failure])),
    )


def _budget() -> Callable[[list[Item]], list[Item]]:
    """Return a function that drops items that do not fit; all its calls together return at most MAX_BYTES."""
    left = MAX_BYTES

    def within(items: list[Item]) -> list[Item]:
        def fitting() -> Iterator[Item]:
            nonlocal left
            for item in items:
                size = len(msgspec.json.encode(item))
                if size <= left:
                    left -= size
                    yield item

        return list(fitting())

    return within


def restore(state: ClientState, unsent: Unsent) -> None:
    """Restore what was saved; the client sends what is pending, and the interface fills the drafts in."""
    # After a reconnect, the state still has them.
    known = {each.nonce for timeline in state.timelines.values() for each in timeline.own}
    for message in unsent.messages:
        if message.nonce in known:
            continue
        failure = message.failure or (TOO_OLD if state.now() - message.at > RESEND_WITHIN else None)
        timeline = state.timelines.obtain(state.known_as(message.channel))
        timeline.await_confirmation(Pending(message.nonce, state.me, message.text, message.at))
        if failure:
            timeline.fail(message.nonce, failure)
    _restore_drafts(state, unsent.joined(Unsent(drafts=state.drafts)).drafts)
    if not state.welcome or unsent.epoch != state.welcome.epoch:
        # The messages that the reports refer to are gone.
        state.add_remarks([Remark(GONE, Tone.BAD, "")] * len(unsent.reports))
        return
    asked = [AskedReport(each.request, each.channel, each.about) for each in unsent.reports]
    forms = {each.msg_id: ReportDraft(each.reason, each.comment, each.context) for each in unsent.forms}
    state.reports.restore(asked, unsent.withdrawals, forms)


def _restore_drafts(state: ClientState, drafts: Mapping[str, str]) -> None:
    """Set the drafts, and list the conversations that they belong to."""
    state.drafts = dict(drafts)
    for place in drafts:
        if target.is_conversation(place):
            state.timelines.obtain(place)
