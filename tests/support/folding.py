"""Client states built from frames, and queries of the resulting timelines."""

from datetime import UTC, datetime, timedelta

from server.protocol.frames import (
    ChannelEntry,
    Error,
    Limits,
    Me,
    Message,
    ServerFrame,
    Webhooks,
    Welcome,
    Who,
    WhoEntry,
)
from tui.client.entries import Line, Notice
from tui.client.fold import fold_frame
from tui.client.state import ClientState
from tui.client.timeline import Timeline
from tui.tone import Tone

AT = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)


def welcome(epoch: str = "e1", *channels: str) -> Welcome:
    """Return a welcome with these channels, by default lobby and tea."""
    entries = [ChannelEntry(each, each.title()) for each in channels or ("lobby", "tea")]
    return Welcome(epoch, "Room", entries, Webhooks(report=True, profile=True), [], Limits())


def said(msg_id: int, author: str = "bob", channel: str = "lobby", nonce: str | None = None) -> Message:
    """Return a message whose text is its number."""
    return Message(channel, author, str(msg_id), msg_id, AT + timedelta(minutes=msg_id), nonce)


def error(code: str, message: str = "why", nonce: str | None = None, channel: str = "") -> Error:
    """Return an error as the server sends it."""
    return Error(message, code, "ChatServer", nonce, channel)


def state(*more: ServerFrame) -> ClientState:
    """Return the state of ada after her login and these frames."""
    made = ClientState(now=lambda: AT)
    fold(made, welcome(), Me("ada", op=False), Who([WhoEntry("ada", 1), WhoEntry("bob", 2)]), *more)
    return made


def fold(into: ClientState, *frames: ServerFrame) -> None:
    """Fold frames in this order."""
    for frame in frames:
        fold_frame(frame, into)


def texts(of: Timeline) -> list[str]:
    """Return every entry as its text."""
    return [entry.text for entry in of.entries]


def numbers(of: Timeline) -> list[int]:
    """Return the numbers of the messages in display order."""
    return [entry.msg_id for entry in of.entries if isinstance(entry, Line)]


def reported(of: Timeline) -> list[int]:
    """Return the numbers of the messages that are marked as reported."""
    return [entry.msg_id for entry in of.entries if isinstance(entry, Line) and entry.reported]


def lines(of: Timeline) -> list[Line]:
    """Return the messages."""
    return [entry for entry in of.entries if isinstance(entry, Line)]


def notices(of: Timeline) -> list[Notice]:
    """Return the notices."""
    return [entry for entry in of.entries if isinstance(entry, Notice)]


def notice(text: str, tone: Tone = Tone.INFO) -> Notice:
    """Return a notice as the state makes it."""
    return Notice(text, tone, AT, lasting=tone is Tone.SAID)


def last_notice(of: Timeline) -> Notice:
    return [entry for entry in of.entries if isinstance(entry, Notice)][-1]
