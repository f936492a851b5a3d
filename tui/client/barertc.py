"""Speaks BareRTC's protocol: translates frames of such a server into Flagpost's, and the client's into BareRTC's."""

from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import msgspec

from server.protocol import frames, target
from server.protocol.codec import BadFrame
from server.protocol.codes import ErrorCode
from server.protocol.frames import CHAT_SERVER, Frame, ServerFrame
from tui.client.barertc_fields import Json, items, moment, text, who_entry
from tui.client.barertc_html import MAX_CHARS, to_text, without_pictures
from tui.client.barertc_profile import fetch
from tui.client.barertc_reports import MAX_REMEMBERED, REASONS, TOO_OLD, BareReports, SeenMessage
from tui.net.wire import Outgoing

EPOCH = "barertc"
LOBBY = "lobby"
NOT_BLOCKED = "You are not allowed to block"
LEFT = ("exited the room", "been kicked", "been banned")
NO_UNBLOCK = "This server cannot lift a block. To end it, restart Flagpost."


class BareRTC:
    """The session with one server; implements most of `tui.net.wire.Wire`."""

    def __init__(self, url: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.ended: str | None = None
        self._url = url
        self._now = now
        self._token = ""
        self._me = ""
        self._last_words = ""
        """The last line of the server; before a `disconnect`, it states the reason."""
        self._channels: dict[str, None] = {LOBBY: None}
        self._people: dict[str, frames.WhoEntry] = {}
        self._muted: dict[str, None] = {}
        self._blocked: dict[str, None] = {}
        self._said: deque[frames.Say] = deque(maxlen=MAX_REMEMBERED)
        """Messages of the user that the server has not sent back; it does not repeat their nonces."""
        self._reacted: set[tuple[int, str, str]] = set()
        self._reports = BareReports(now)

    def opened(self) -> Sequence[ServerFrame]:
        """Start a connection; return the frame that a Flagpost server would send first."""
        self.ended, self._me, self._last_words = None, "", ""
        self._said.clear()
        self._reports.lose()
        return (self._welcome(),)

    def receive(self, data: bytes) -> Sequence[ServerFrame]:
        """Return the frames in a message of the server. Raises BadFrame."""
        try:
            found = msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise BadFrame(ErrorCode.MALFORMED, "The frame is not JSON.") from None
        if not isinstance(found, dict):
            raise BadFrame(ErrorCode.MALFORMED, "The frame is not an object.")
        read = {
            "me": self._on_me, "who": self._on_who, "presence": self._on_presence, "echo": self._on_echo,
            "message": self._on_message, "takeback": self._on_takeback, "react": self._on_react,
            "error": self._on_error, "ping": self._on_ping, "disconnect": self._on_disconnect,
            "block": self._on_block,
        }.get(text(found, "action"))  # fmt: skip
        return read(found) if read else ()

    def _welcome(self) -> frames.Welcome:
        return frames.Welcome(
            EPOCH,
            urlsplit(self._url).hostname or "BareRTC",
            [frames.ChannelEntry(channel, channel[:1].upper() + channel[1:]) for channel in self._channels],
            frames.Webhooks(report=True, profile=bool(self._token)),
            [frames.ReportReason(reason, reason.startswith("Other")) for reason in REASONS],
            frames.Limits(),
            # BareRTC does not say how it wants people to sign in.
            sign_in="token-or-nickname",
        )

    def _on_me(self, found: Json) -> list[ServerFrame]:
        if self._me:
            # The server never renames users; this frame confirms a status.
            return []
        self._me = text(found, "username")
        said: list[ServerFrame] = [frames.Me(self._me, op=False)]
        if self._token:
            said.append(self._welcome())
        if self._muted or self._blocked:
            said.append(self._relations())
        return said

    def _on_who(self, found: Json) -> list[ServerFrame]:
        entries = [entry for each in items(found, "whoList") if (entry := who_entry(each))]
        self._people = {entry.username: entry for entry in entries}
        return [frames.Who(entries)]

    def _on_presence(self, found: Json) -> list[ServerFrame]:
        username, message = text(found, "username"), to_text(text(found, "message"))
        if any(words in message for words in LEFT):
            self._people.pop(username, None)
            return [frames.Presence(username, message)]
        entry = self._people.setdefault(username, frames.WhoEntry(username, int(self._now().timestamp())))
        return [frames.Presence(username, message, entry)]

    def _on_echo(self, found: Json) -> list[ServerFrame]:
        channels, listed = len(self._channels), items(found, "messages")
        messages = [message for each in listed if isinstance(each, dict) and (message := self._message(each))]
        return [*self._new_channels(channels), frames.Echo(messages)]

    def _on_message(self, found: Json) -> list[ServerFrame]:
        channels, message = len(self._channels), self._message(found)
        if message is None:
            return []
        if message.username == self._me:
            message = msgspec.structs.replace(message, nonce=self._nonce_of(message.channel))
        return [*self._new_channels(channels), message]

    def _message(self, found: Json) -> frames.Message | None:
        channel, username = text(found, "channel"), text(found, "username")
        msg_id, html = found.get("msgID"), text(found, "message")
        if not channel or not username or not isinstance(msg_id, int) or not 0 < msg_id < 2**53:
            return None
        self._know(channel)
        at = moment(text(found, "timestamp")) or self._now()
        self._reports.remember(msg_id, SeenMessage(channel, username, without_pictures(html)[:MAX_CHARS], at))
        return frames.Message(channel, username, to_text(html), msg_id, at)

    def _nonce_of(self, channel: str) -> str | None:
        """Return the nonce of the oldest message to a channel that the server has not echoed; None if there is none."""
        said = next((each for each in self._said if each.channel == channel), None)
        if said:
            self._said.remove(said)
        return said.nonce if said else None

    def _know(self, channel: str) -> None:
        if not target.is_conversation(channel):
            self._channels.setdefault(channel)

    def _new_channels(self, before: int) -> list[ServerFrame]:
        """Return a new welcome if a channel has appeared: the server sends no list of channels."""
        return [self._welcome()] if len(self._channels) > before else []

    def _on_takeback(self, found: Json) -> list[ServerFrame]:
        msg_id = found.get("msgID")
        return [frames.Takeback(msg_id)] if isinstance(msg_id, int) else []

    def _on_react(self, found: Json) -> list[ServerFrame]:
        msg_id, username, emoji = found.get("msgID"), text(found, "username"), text(found, "message")
        if not isinstance(msg_id, int) or not username or not self._reports.knows(msg_id):
            return []
        reaction = msg_id, username, emoji
        remove = reaction in self._reacted
        self._reacted ^= {reaction}
        if len(self._reacted) > MAX_REMEMBERED:
            self._reacted.clear()
        return [frames.Reacted(msg_id, username, emoji, remove)]

    def _on_error(self, found: Json) -> list[ServerFrame]:
        words, channel, channels = to_text(text(found, "message")), text(found, "channel"), len(self._channels)
        self._last_words = words
        if answer := self._reports.answer(words):
            return [answer]
        if words.startswith(NOT_BLOCKED) and self._blocked:
            self._blocked.popitem()
            return [self._relations(), frames.Error(words, ErrorCode.NOTICE, CHAT_SERVER)]
        if not self._me:
            # A refused login: the server keeps the connection open, and nothing follows.
            self.ended = words
        if channel:
            self._know(channel)
        return [*self._new_channels(channels), frames.Error(words, ErrorCode.NOTICE, CHAT_SERVER, channel=channel)]

    def _on_ping(self, found: Json) -> list[ServerFrame]:
        self._token = text(found, "jwt") or self._token
        return [frames.Pong(jwt=text(found, "jwt"))]

    def _on_disconnect(self, _: Json) -> list[ServerFrame]:
        self.ended = self._last_words or "the server ended the session"
        return []

    def _on_block(self, found: Json) -> list[ServerFrame]:
        # The site blocked somebody for the user.
        self._blocked[text(found, "username")] = None
        return [self._relations()]

    def _relations(self) -> frames.Relations:
        return frames.Relations([*self._muted], [*self._blocked])

    def send(self, frame: Frame) -> Outgoing:
        """Translate a frame of this client."""
        match frame:
            case frames.Login():
                return self._log_in(frame)
            case frames.Say():
                if frame.nonce:
                    self._said.append(frame)
                return _sent("message", channel=frame.channel, message=frame.message)
            case frames.Takeback():
                return _sent("takeback", msgID=frame.msg_id)
            case frames.React():
                return _sent("react", msgID=frame.msg_id, message=frame.message)
            case frames.SetStatus():
                return self._set_status(frame)
            case frames.ReportRequest():
                return self._report(frame)
            case frames.ProfileRequest():
                return Outgoing(work=partial(fetch, self._url, frame, self._token))
            case frames.Mute() | frames.Unmute() | frames.Block() | frames.Unblock():
                return self._relate(frame)
        return Outgoing(answers=_without_server(frame))

    def _log_in(self, frame: frames.Login) -> Outgoing:
        self._token = frame.jwt or self._token
        login = {"username": frame.username, **({"jwt": self._token} if self._token else {})}
        # The server forgets mutes and blocks when the user leaves.
        again = [_wire("mute", username=name) for name in self._muted]
        again += [_wire("block", username=name) for name in self._blocked]
        return Outgoing([_wire("login", **login), *again])

    def _set_status(self, frame: frames.SetStatus) -> Outgoing:
        own = self._people.get(self._me)
        status = frame.status if frame.status is not None else (own.status if own else "online")
        dnd = frame.dnd if frame.dnd is not None else bool(own and own.dnd)
        return _sent("me", video=0, status=status, dnd=dnd)

    def _relate(self, frame: frames.Mute | frames.Unmute | frames.Block | frames.Unblock) -> Outgoing:
        if isinstance(frame, frames.Unblock):
            return Outgoing(answers=[frames.Error(NO_UNBLOCK, ErrorCode.INTERNAL, CHAT_SERVER)])
        if isinstance(frame, frames.Unmute):
            self._muted.pop(frame.username, None)
        else:
            (self._muted if isinstance(frame, frames.Mute) else self._blocked)[frame.username] = None
        action = str(frame.__struct_config__.tag)
        return Outgoing(_sent(action, username=frame.username).wires, [self._relations()])

    def _report(self, frame: frames.ReportRequest) -> Outgoing:
        seen = self._reports.ask(frame)
        if seen is None:
            return Outgoing(answers=[frames.Error(TOO_OLD, ErrorCode.UNKNOWN_MESSAGE, CHAT_SERVER, frame.nonce)])
        return _sent(
            "report", channel=seen.channel, username=seen.username, timestamp=seen.at.isoformat(timespec="seconds"),
            reason=frame.reason, message=seen.html, comment=frame.comment,
        )  # fmt: skip


def _sent(action: str, **fields: object) -> Outgoing:
    return Outgoing([_wire(action, **fields)])


def _wire(action: str, **fields: object) -> bytes:
    return msgspec.json.encode({"action": action, **fields})


def _without_server(frame: Frame) -> list[ServerFrame]:
    """Answer in place of a server that has no history and no search."""
    match frame:
        case frames.HistoryRequest():
            return [frames.History(frame.channel, [], more=False, nonce=frame.nonce)]
        case frames.SearchRequest():
            return [frames.SearchResults([], more=False, nonce=frame.nonce)]
        case frames.ReportsRequest():
            return [frames.Reports([], [], frame.nonce)]
        case frames.Ping():
            return [frames.Pong()]
    return []
