"""Filtered messages and edits: who gets what, and the automatic report."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from server.protocol.codes import ErrorCode
from server.protocol.frames import Edit, Edited, Error, Frame, Message, Say
from server.reporting.desk import ReportDesk
from server.reporting.pending_requests import PendingRequests
from server.room.session import Session
from server.rules import trail
from server.rules.evidence import Evidence
from server.rules.filters import WOULD_BE_REPORTED, Filter, phrases
from server.rules.link_spam import LinkLimits
from server.rules.ranks import Rank
from server.rules.trail import Reported
from server.storage import withheld
from server.storage.base import Reader
from server.storage.broker import Broker
from server.storage.clock import milliseconds, utc_now
from server.storage.reports import Terms
from server.storage.sqlite_database import SqliteDatabase
from tests.support.recording_outlet import RecordingOutlet
from tests.support.room import dispatcher_over, enter, receive, settle

Kind = TypeVar("Kind", bound=Frame)
CENSOR = Filter(phrases(["(?i)badword"]), True, True, True, True, True, "Mind your words.")
WITHHOLD = CENSOR._replace(phrases=phrases(["secret"]), censor=False, forward=False)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


class Room:
    """A room with filters, and reports that are stored and not delivered."""

    def __init__(self, directory: Path) -> None:
        self.database = SqliteDatabase(str(directory / "room.sqlite"))
        self.dispatcher = dispatcher_over(Broker(self.database), self.database)
        terms = Terms("report", 1, evidence=False)
        desk = ReportDesk(self.database, self.dispatcher.hub, terms, [asyncio.Event()], PendingRequests())
        self.dispatcher.live = replace(self.dispatcher.live, filters=[CENSOR, WITHHOLD], reports=desk)

    async def send(self, session: Session, frame: Frame) -> None:
        """Receive a frame, and wait until everything that follows is stored."""
        receive(self.dispatcher, session, frame)
        await settle(self.dispatcher)
        await self.database.write(lambda _: None)

    async def reports(self) -> list[Evidence]:
        """Return what was reported."""
        query = "SELECT content FROM trail ORDER BY seq"
        rows = await self.database.read(lambda connection: connection.execute(query).fetchall())
        events = [trail.decode(content) for (content,) in rows]
        return [event.evidence for event in events if isinstance(event, Reported)]


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    room = Room(tmp_path)
    yield room
    await room.database.close()


def got(outlet: RecordingOutlet, kind: type[Kind]) -> list[Kind]:
    """Return the frames of this kind that were received."""
    return [frame for frame in outlet.frames if isinstance(frame, kind)]


def texts(outlet: RecordingOutlet) -> list[str]:
    return [frame.message for frame in got(outlet, Message)]


async def test_censored_message_is_delivered_and_reported_as_in_barertc(room: Room) -> None:
    late, at_late = await enter(room.dispatcher, "late")
    _, at_alice = await enter(room.dispatcher, "alice")
    await room.send(late, Say("lobby", "hello **world**"))
    await room.send(late, Say("lobby", "what a BadWord this is", "n"))
    await room.send(late, Say("lobby", "what a BadWord this is", "n"))
    assert texts(at_alice) == ["hello **world**", "what a ******* this is"]
    assert texts(at_late)[-1] == "what a ******* this is"
    (line,) = got(at_late, Error)
    assert (line.message, line.code, line.channel) == ("Mind your words.", ErrorCode.NOTICE, "lobby")
    assert not got(at_alice, Error)
    (said,) = await room.reports()
    assert (said.reporter, said.about, said.channel) == ("late", "late", "lobby")
    assert (said.reason, said.message) == ("Server Side Message Filter", "what a BadWord this is")
    assert re.fullmatch(
        "This is an automated report via server side chat filters.\n\n"
        "The recent context in this channel included the following conversation:\n\n"
        rf"{TIME} \[late\] hello \*\*world\*\*\n\n{TIME} \[late\] what a BadWord this is",
        said.comment,
    )


async def test_withheld_message_is_seen_by_its_author_alone(room: Room) -> None:
    late, at_late = await enter(room.dispatcher, "late", "a-token-of-16-or-more")
    _, at_alice = await enter(room.dispatcher, "alice")
    await room.send(late, Say("lobby", "first"))
    await room.send(late, Say("lobby", "the secret", "n"))
    await room.send(late, Say("lobby", "the secret", "n"))
    await room.send(late, Say("lobby", "last"))
    assert texts(at_alice) == ["first", "last"]
    mine = got(at_late, Message)
    assert [frame.message for frame in mine] == ["first", "the secret", "the secret", "last"]
    assert (mine[1].msg_id, mine[1].nonce, mine[1].channel) == (mine[2].msg_id, "n", "lobby")
    assert mine[0].msg_id < mine[1].msg_id < mine[3].msg_id
    assert len(await room.reports()) == 1
    page = await room.dispatcher.broker.history(Reader(late.logged_in_person, ["lobby"]), "lobby", 0, 50)
    assert [each.text for each in page.publications] == ["first", "last"]


async def test_withheld_direct_message_does_not_reach_its_recipient(room: Room) -> None:
    late, at_late = await enter(room.dispatcher, "late")
    _, at_alice = await enter(room.dispatcher, "alice")
    await room.send(late, Say("@alice", "the secret"))
    assert texts(at_alice) == []
    assert [(frame.channel, frame.message) for frame in got(at_late, Message)] == [("@alice", "the secret")]
    (said,) = await room.reports()
    assert (said.channel, said.message) == ("@alice", "the secret")


async def test_withheld_text_is_not_stored_where_no_direct_messages_are_kept(room: Room) -> None:
    room.dispatcher.live = replace(room.dispatcher.live, keeps_direct=False, link_limits=LinkLimits(1, 3600))
    late, at_late = await enter(room.dispatcher, "late")
    for name in ("alice", "bob"):
        await enter(room.dispatcher, name)
    for _ in range(2):
        await room.send(late, Say("@alice", "the secret", "n"))
    assert texts(at_late) == ["the secret", "the secret"]
    for name in ("alice", "bob"):
        await room.send(late, Say(f"@{name}", "come to https://spam-site.com/x"))
    query = "SELECT peer, text FROM withheld ORDER BY id"
    rows = await room.database.read(lambda connection: connection.execute(query).fetchall())
    assert rows == [("alice", ""), ("bob", "")]
    assert [said.message.rpartition(" ")[2] for said in await room.reports()] == ["secret", "https://spam-site.com/x"]


async def test_operator_is_filtered_only_in_channels_and_never_reported(room: Room) -> None:
    op, at_op = await enter(room.dispatcher, "op")
    op.rank = Rank.OPERATOR
    alice, at_alice = await enter(room.dispatcher, "alice")
    await room.send(op, Say("lobby", "a badword"))
    await room.send(op, Say("@alice", "a badword"))
    await room.send(alice, Say("@op", "a badword"))
    assert texts(at_alice) == ["a *******", "a badword", "a badword"]
    assert [frame.message for frame in got(at_op, Error)] == ["Mind your words.", WOULD_BE_REPORTED]
    assert await room.reports() == []


async def test_edits_are_filtered(room: Room) -> None:
    late, at_late = await enter(room.dispatcher, "late")
    _, at_alice = await enter(room.dispatcher, "alice")
    await room.send(late, Say("lobby", "fine"))
    (sent,) = got(at_alice, Message)
    await room.send(late, Edit(sent.msg_id, "a badword", "1"))
    await room.send(late, Edit(sent.msg_id, "the secret", "2"))
    assert [frame.message for frame in got(at_alice, Edited)] == ["a *******"]
    refused = [frame for frame in got(at_late, Error) if frame.code == ErrorCode.BAD_MESSAGE]
    assert [frame.nonce for frame in refused] == ["2"]
    assert [said.message for said in await room.reports()] == ["a badword", "the secret"]


async def test_filtered_edit_of_another_persons_message_is_refused_and_not_reported(room: Room) -> None:
    late, _ = await enter(room.dispatcher, "late")
    alice, at_alice = await enter(room.dispatcher, "alice")
    await room.send(late, Say("lobby", "fine"))
    (sent,) = got(at_alice, Message)
    await room.send(alice, Edit(sent.msg_id, "badword", "1"))
    assert [frame.code for frame in got(at_alice, Error)] == [ErrorCode.NOT_YOURS]
    assert await room.reports() == []


async def test_link_spam_is_withheld_reported_and_ends_in_a_ban(room: Room) -> None:
    room.dispatcher.live = replace(room.dispatcher.live, link_limits=LinkLimits(1, 3600), link_ban_hours=24)
    spam = "come to https://spam-site.com/x"
    outlets = {name: (await enter(room.dispatcher, name))[1] for name in ("bob", "carol", "dave")}
    spammer, _ = await enter(room.dispatcher, "spammer", "a-token-of-16-or-more")
    await room.send(spammer, Say("@bob", spam, "1"))
    await room.send(spammer, Say("@carol", spam, "2"))
    assert room.dispatcher.hub.find("spammer") is None
    again, _ = await enter(room.dispatcher, "spammer", "a-token-of-16-or-more")
    await room.send(again, Say("@bob", spam, "3"))
    await room.send(again, Say("@dave", spam, "4"))
    assert [texts(outlets[name]) for name in ("bob", "carol", "dave")] == [[spam, spam], [], []]
    _, banned = await enter(room.dispatcher, "spammer", "a-token-of-16-or-more")
    assert [frame.code for frame in got(banned, Error)] == [ErrorCode.BANNED]
    kicked, out = await room.reports()
    assert (kicked.reporter, kicked.about, kicked.channel, kicked.reason) == (
        "spammer", "spammer", "@carol", "Spam Detected",
    )  # fmt: skip
    assert kicked.message == f"_In a DM to:_ @carol\n[spammer] {spam}"
    assert kicked.comment == "The user was **kicked** from the room with a warning."
    assert out.comment == "The user was **banned** from chat."


async def test_links_added_by_an_edit_count(room: Room) -> None:
    room.dispatcher.live = replace(room.dispatcher.live, filters=[], link_limits=LinkLimits(1, 3600))
    outlets = {name: (await enter(room.dispatcher, name))[1] for name in ("bob", "carol")}
    spammer, _ = await enter(room.dispatcher, "spammer")
    for name, outlet in outlets.items():
        await room.send(spammer, Say(f"@{name}", "hi"))
        (sent,) = got(outlet, Message)
        await room.send(spammer, Edit(sent.msg_id, "come to https://spam-site.com/x", name))
    assert [len(got(outlets[name], Edited)) for name in ("bob", "carol")] == [1, 0]
    assert room.dispatcher.hub.find("spammer") is None


async def test_withheld_messages_are_forgotten_after_a_day(room: Room) -> None:
    late, _ = await enter(room.dispatcher, "late")
    await room.send(late, Say("lobby", "the secret"))
    count = "SELECT count(*) FROM withheld"
    now = milliseconds(utc_now())
    for later, left in ((0, 1), (2 * 24 * 3600 * 1000, 0)):
        await room.database.write(partial(withheld.sweep, now=now + later, batch=10))
        assert await room.database.read(lambda connection: connection.execute(count).fetchone()) == (left,)
