"""The table that maps each action to its handler, its cost, and whether it requires a login."""

from collections.abc import Callable
from typing import TypeVar, cast

from server.handlers import costs, login, messages, people, places, reports
from server.handlers.dispatch import Dispatcher, Handler
from server.pacing.limiter import Allowance
from server.protocol.frames import (
    Block,
    Blocklist,
    ClientFrame,
    Edit,
    HistoryRequest,
    Login,
    Mute,
    Ping,
    ProfileRequest,
    React,
    Read,
    ReportRequest,
    ReportsRequest,
    Say,
    SearchRequest,
    SetStatus,
    Takeback,
    Typing,
    Unblock,
    Unmute,
    Withdraw,
)  # fmt: skip
from server.room.session import Session

Kind = TypeVar("Kind", bound=ClientFrame)


def _entry(
    kind: type[Kind],
    handle: Callable[[Dispatcher, Session, Kind], None],
    *,
    logged_in: bool = True,
    allowance: Allowance | None = None,
    pages: Callable[[Kind], float] | None = None,
    stored: Callable[[Kind], int] | None = None,
) -> tuple[type[object], Handler]:
    # Frames are looked up by their type, so a handler only receives the type that it declares.
    return kind, Handler(
        cast(Callable[[Dispatcher, Session, ClientFrame], None], handle),
        logged_in,
        allowance,
        cast(Callable[[ClientFrame], float] | None, pages),
        cast(Callable[[ClientFrame], int] | None, stored),
    )


HANDLERS: dict[type[object], Handler] = dict(
    [
        _entry(Login, login.login, logged_in=False),
        _entry(Ping, login.ping, logged_in=False),
        _entry(Say, messages.say, allowance=Allowance.MESSAGES, stored=costs.message_bytes),
        _entry(Takeback, messages.takeback, allowance=Allowance.MESSAGES),
        _entry(Edit, messages.edit, allowance=Allowance.MESSAGES, stored=costs.message_bytes),
        _entry(React, messages.react, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Typing, messages.typing),
        _entry(HistoryRequest, messages.history, pages=costs.history_pages),
        _entry(SearchRequest, messages.search, pages=costs.search_pages),
        _entry(Read, places.read, pages=lambda _: costs.MARKER_PAGES),
        _entry(SetStatus, people.status, allowance=Allowance.MESSAGES),
        _entry(Mute, people.mute, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Unmute, people.unmute, allowance=Allowance.MESSAGES),
        _entry(Block, people.block, allowance=Allowance.MESSAGES, stored=lambda _: costs.ROW_BYTES),
        _entry(Unblock, people.unblock, allowance=Allowance.MESSAGES),
        _entry(Blocklist, people.block_all, allowance=Allowance.MESSAGES, stored=costs.blocklist_bytes),
        _entry(ProfileRequest, people.profile, allowance=Allowance.PROFILES),
        _entry(ReportRequest, reports.report, allowance=Allowance.MESSAGES, pages=costs.report_pages),
        _entry(ReportsRequest, reports.list_reports, pages=lambda _: costs.LIST_PAGES),
        _entry(Withdraw, reports.withdraw, allowance=Allowance.MESSAGES),
    ]
)
