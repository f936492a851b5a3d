"""The table from each action to its handler, and what a session must be to use it."""

from collections.abc import Callable
from typing import TypeVar, cast

from server.handlers import costs, entering, reporting, speaking, together
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
    pages: Callable[[Kind], float] | None = None,
    stored: Callable[[Kind], int] | None = None,
) -> tuple[type[object], Handler]:
    # The table looks a frame up by its own type, so a handler only ever meets the kind that it is written for.
    return kind, Handler(
        cast(Callable[[Room, Session, ClientFrame], None], handle),
        logged_in,
        allowance,
        cast(Callable[[ClientFrame], float] | None, pages),
        cast(Callable[[ClientFrame], int] | None, stored),
    )


HANDLERS: dict[type[object], Handler] = dict(
    [
        _entry(Login, entering.login, logged_in=False),
        _entry(Ping, entering.ping, logged_in=False),
        _entry(Say, speaking.say, allowance=Allowance.MESSAGES, stored=costs.message),
        _entry(Takeback, speaking.takeback, allowance=Allowance.MESSAGES),
        _entry(React, speaking.react, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Typing, speaking.typing),
        _entry(HistoryAsk, speaking.history, pages=costs.history),
        _entry(SearchAsk, speaking.search, pages=costs.search),
        _entry(Status, together.status, allowance=Allowance.MESSAGES),
        _entry(Mute, together.mute, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Unmute, together.unmute, allowance=Allowance.MESSAGES),
        _entry(Block, together.block, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Unblock, together.unblock, allowance=Allowance.MESSAGES),
        _entry(ProfileAsk, together.profile, allowance=Allowance.PROFILES),
        _entry(ReportAsk, reporting.report, allowance=Allowance.MESSAGES, pages=lambda _: costs.REPORT_PAGES),
        _entry(ReportsAsk, reporting.reports_sent, pages=lambda _: costs.LIST_PAGES),
        _entry(Withdraw, reporting.withdraw, allowance=Allowance.MESSAGES),
    ]
)
