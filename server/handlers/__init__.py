"""The table from each action to its handler, and what a session must be to use it."""

from collections.abc import Callable
from typing import TypeVar, cast

from server.handlers import entering, reporting, speaking, together
from server.limiter import Allowance
from server.protocol.frames import (
    Block,
    ClientFrame,
    HistoryAsk,
    Login,
    Mute,
    Ping,
    ProfileAsk,
    React,
    ReportAsk,
    ReportsAsk,
    Say,
    SearchAsk,
    Status,
    Takeback,
    Typing,
    Unblock,
    Unmute,
    Withdraw,
)  # fmt: skip
from server.room import Handler, Room
from server.session import Session

Kind = TypeVar("Kind", bound=ClientFrame)


def _entry(
    kind: type[Kind],
    handle: Callable[[Room, Session, Kind], None],
    *,
    logged_in: bool = True,
    allowance: Allowance | None = None,
) -> tuple[type[object], Handler]:
    # The table looks a frame up by its own type, so a handler only ever meets the kind that it is written for.
    return kind, Handler(cast(Callable[[Room, Session, ClientFrame], None], handle), logged_in, allowance)


HANDLERS: dict[type[object], Handler] = dict(
    [
        _entry(Login, entering.login, logged_in=False),
        _entry(Ping, entering.ping, logged_in=False),
        _entry(Say, speaking.say, allowance=Allowance.MESSAGES),
        _entry(Takeback, speaking.takeback, allowance=Allowance.MESSAGES),
        _entry(React, speaking.react, allowance=Allowance.MESSAGES),
        _entry(Typing, speaking.typing),
        _entry(HistoryAsk, speaking.history),
        _entry(SearchAsk, speaking.search, allowance=Allowance.MESSAGES),
        _entry(Status, together.status, allowance=Allowance.MESSAGES),
        _entry(Mute, together.mute, allowance=Allowance.MESSAGES),
        _entry(Unmute, together.unmute, allowance=Allowance.MESSAGES),
        _entry(Block, together.block, allowance=Allowance.MESSAGES),
        _entry(Unblock, together.unblock, allowance=Allowance.MESSAGES),
        _entry(ProfileAsk, together.profile, allowance=Allowance.PROFILES),
        _entry(ReportAsk, reporting.report, allowance=Allowance.MESSAGES),
        _entry(ReportsAsk, reporting.reports_sent, allowance=Allowance.MESSAGES),
        _entry(Withdraw, reporting.withdraw, allowance=Allowance.MESSAGES),
    ]
)
