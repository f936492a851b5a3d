"""People in a room that two servers share: names, takeover, who is present, and the people on a server that fails."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest

from server.handlers import isolation
from server.handlers.isolation import MOVED
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import Disconnect, Error, Login, Message, Ping, Pong, Presence, Say, SetStatus, Who
from server.room.shared_presence import DIFFERENT
from server.rules import names
from server.rules.ranks import Rank
from server.rules.statuses import HIDDEN
from server.rules.visibility import GONE, JOINED
from server.settings import ApiKeys, Settings
from server.settings.digests import digests
from server.storage import presence
from server.storage.database import NodeHealth
from tests.support.node_pair import Node, Shared, until


async def test_people_on_both_servers_see_each_other(first: Node, second: Node) -> None:
    ada = await first.enter("ada")
    bob = await second.enter("bob")
    assert bob.listed == ["ada", "bob"]
    await ada.sees("bob", JOINED)
    assert second.dispatcher.hub.names() == ["bob", "ada"]
    bob.send(Say("lobby", "hello", "n-1"))
    await until(lambda: [each.message for each in ada.of(Message)] == ["hello"])
    bob.hang_up()
    await ada.sees("bob", JOINED, GONE)
    assert first.dispatcher.hub.names() == ["ada"]


async def test_server_that_starts_later_knows_who_is_present(shared: Shared, first: Node) -> None:
    await first.enter("ada")
    third = await shared.open_node("third")
    other = await third.enter("ada", "the secret of another ada")
    assert other.name == "ada 2"
    assert other.listed == ["ada", "ada 2"]


async def test_name_is_granted_to_one_of_two_logins_at_once(shared: Shared, first: Node, second: Node) -> None:
    one, other = first.connect(), second.connect()
    for node, guest, name in ((first, one, "zed"), (second, other, "Zed")):
        node.database.hold()
        guest.send(Login(name, f"the secret of {name}"))
    for node in (first, second):
        await shared.committed()
        node.database.release()
    await one.in_room()
    await other.in_room()
    assert [one.name, other.name] == ["zed", "Zed 2"]


async def test_names_of_simultaneous_logins_on_one_server_differ(first: Node, second: Node) -> None:
    guests = [first.connect() for _ in range(3)]
    for number, each in enumerate(guests):
        each.send(Login("zed", f"the secret {number} of zed"))
    for each in guests:
        await each.in_room()
    assert sorted(each.name for each in guests) == ["zed", "zed 2", "zed 3"]
    assert second.dispatcher.hub.names() == [each.name for each in guests]


async def test_login_whose_name_cannot_be_chosen_does_not_stop_those_after_it(
    first: Node, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    free = names.free

    def defective(name: str, is_taken: Callable[[str], bool]) -> str:
        if name == "bob":
            raise ValueError("a defect")
        return free(name, is_taken)

    monkeypatch.setattr(names, "free", defective)
    ada, bob, cleo = (first.connect() for _ in range(3))
    first.database.hold()
    for guest, name in ((ada, "ada"), (bob, "bob"), (cleo, "cleo")):
        guest.send(Login(name, f"the secret of {name}"))
    first.database.release()
    await ada.in_room()
    await cleo.in_room()
    assert bob.session.ended
    assert "a handler failed" in caplog.text


async def test_name_that_looks_like_one_on_another_server_is_not_granted(first: Node, second: Node) -> None:
    await first.enter("alice")
    assert (await second.enter("\u0430lice")).name == "\u0430lice 2"


async def test_hidden_operator_on_another_server_is_seen_by_operators_only(first: Node, second: Node) -> None:
    operator, watching = await second.enter("op"), await second.enter("bob")
    operator.session.set_rank(Rank.OPERATOR)
    olga = await first.enter("olga")
    await watching.sees("olga", JOINED)
    olga.session.set_rank(Rank.OPERATOR)
    olga.send(SetStatus(HIDDEN))
    await watching.sees("olga", JOINED, GONE)
    assert operator.changes("olga") == [JOINED]
    assert (await second.enter("eve")).listed == ["bob", "eve", "op"]
    guest = await second.enter("olga", "the secret of a guest")
    assert guest.name == "olga 2"
    assert any("is reserved" in each.message for each in guest.of(Error)), "nothing reveals that the operator is here"
    assert "olga" not in second.dispatcher.hub.names()


async def test_client_of_barertc_gets_the_whole_list_after_changes_on_the_other_server(
    first: Node, second: Node
) -> None:
    client = first.connect()
    client.send(Login("ada", dialect="barertc"))
    await client.in_room()
    bob = await second.enter("bob")
    await until(lambda: [each.username for each in client.of(Who)[-1].who_list] == ["ada", "bob"])
    bob.send(SetStatus("away"))
    await until(lambda: [each.status for each in client.of(Who)[-1].who_list] == ["online", "away"])
    bob.hang_up()
    await until(lambda: [each.username for each in client.of(Who)[-1].who_list] == ["ada"])
    assert client.changes("bob") == [JOINED, GONE]


async def test_login_on_another_server_replaces_the_session_and_nobody_notices(first: Node, second: Node) -> None:
    old = await first.enter("ada")
    watching = [await first.enter("eve"), await second.enter("bob")]
    new = await second.enter("Ada", "the secret token of ada")
    await until(lambda: old.outlet.closed == [CloseCode.REPLACED])
    assert new.name == "ada"
    old.hang_up(CloseCode.REPLACED)
    new.send(SetStatus("away"))
    for each in watching:
        await each.receives(Presence("ada", "", new.session.who_entry(new.session.logged_in_person)))
        assert each.changes("ada") == []
    assert second.dispatcher.hub.find("ada") is new.session


async def test_frames_of_a_session_that_waits_for_its_name_wait_too(shared: Shared, first: Node, second: Node) -> None:
    guest, watching = first.connect(), await second.enter("bob")
    first.database.hold()
    for frame in (Login("ada"), Say("lobby", "first", "n-1"), Login("eve"), Say("lobby", "second", "n-2"), Ping()):
        guest.send(frame)
    assert guest.outlet.paused
    await shared.committed()
    assert guest.outlet.frames == []
    first.database.release()
    await guest.in_room()
    await until(lambda: [each.message for each in watching.of(Message)] == ["first", "second"])
    assert [each.code for each in guest.of(Error)] == [ErrorCode.ALREADY_LOGGED_IN]
    assert guest.of(Pong)
    assert not guest.outlet.paused


async def test_session_that_closes_while_it_waits_releases_its_place(shared: Shared, first: Node, second: Node) -> None:
    guest, watching = first.connect(), await second.enter("bob")
    first.database.hold()
    guest.send(Login("ada", "the secret of ada"))
    guest.hang_up()
    await shared.committed()
    first.database.release()
    await watching.sees("ada", JOINED, GONE)
    assert first.dispatcher.hub.names() == second.dispatcher.hub.names() == ["bob"]
    assert guest.session not in first.dispatcher.hub.sessions.values()


async def test_session_whose_place_cannot_be_stored_is_closed_and_may_return(shared: Shared, first: Node) -> None:
    await shared.write(lambda sql: sql.execute("ALTER TABLE presence RENAME TO lost"))
    guest = first.connect()
    guest.send(Login("ada", "the secret of ada"))
    await until(lambda: guest.outlet.closed == [CloseCode.TRY_AGAIN_LATER])
    assert [each.code for each in guest.of(Error)] == [ErrorCode.STORAGE]
    await shared.write(lambda sql: sql.execute("ALTER TABLE lost RENAME TO presence"))
    assert (await first.enter("ada", "the secret of another ada")).name == "ada"


async def test_people_of_a_server_that_is_gone_leave_except_those_who_came_back(
    shared: Shared, first: Node, second: Node
) -> None:
    ada, bob = await first.enter("ada"), await first.enter("bob")
    watching = await second.enter("eve")
    first.database.hold()
    shared.later = timedelta(milliseconds=presence.GONE_MILLISECONDS + 1)
    back = await second.enter("ada")
    await second.database.write(presence.expire)
    await watching.sees("bob", GONE)
    assert watching.changes("ada") == []
    assert second.dispatcher.hub.names() == ["eve", "ada"]
    assert back.name == "ada"
    del ada, bob


async def test_removed_server_disconnects_its_clients_before_it_ends_and_answers_nothing(
    shared: Shared, first: Node, second: Node
) -> None:
    ended: list[str] = []
    first.dispatcher.shut_down = lambda: ended.append("first")
    ada, waiting = await first.enter("ada"), first.connect()
    shared.later = timedelta(milliseconds=presence.GONE_MILLISECONDS + 1)
    await second.database.write(presence.expire)
    ada.send(Say("lobby", "lost", "n-1"))
    waiting.send(Login("zed", "the secret of zed"))
    await until(lambda: ended == ["first"])
    for each in (ada, waiting):
        assert each.outlet.closed == [CloseCode.SERVICE_RESTART]
        assert each.outlet.frames[-1] == Disconnect(MOVED, CloseCode.SERVICE_RESTART, reconnect=True)
        assert each.of(Error) == []
        each.hang_up()


async def test_clients_are_sent_elsewhere_once_the_database_is_silent(
    first: Node, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await first.enter("ada")
    beating = NodeHealth(5.9, 1, 0.1, 0.1, 0, 0.0, fenced=False, database_down=False)
    isolation.watch_beats(first.dispatcher, beating)
    assert ada.outlet.closed == []
    for _ in range(2):
        isolation.watch_beats(first.dispatcher, beating._replace(beat_age=6.1))
    assert ada.outlet.closed == [CloseCode.SERVICE_RESTART]
    for _ in range(2):
        isolation.watch_beats(first.dispatcher, beating)
    said = [each.message for each in caplog.records if each.message.startswith("the database ")]
    assert said == [
        "the database does not answer, so clients are sent to other servers; check that it runs",
        "the database answers again",
    ]


async def test_clients_stay_while_the_database_is_down_for_all_servers(
    first: Node, caplog: pytest.LogCaptureFixture
) -> None:
    ada = await first.enter("ada")
    down = NodeHealth(6.1, 1, 0.1, 0.1, 0, 0.0, fenced=False, database_down=True)
    isolation.watch_beats(first.dispatcher, down)
    assert ada.outlet.closed == []
    assert isolation.DOWN in caplog.messages
    # Now only this server cannot reach the database.
    isolation.watch_beats(first.dispatcher, down._replace(database_down=False))
    assert ada.outlet.closed == [CloseCode.SERVICE_RESTART]


async def test_servers_notice_settings_that_differ(
    shared: Shared, first: Node, second: Node, caplog: pytest.LogCaptureFixture
) -> None:
    other = Settings(title="Another room", admin_api_key=ApiKeys("a secret"))
    third = await shared.open_node("third", other)

    def warnings() -> list[logging.LogRecord]:
        return [each for each in caplog.records if each.message == DIFFERENT]

    await until(lambda: len(warnings()) == 4)
    warned = {(each.node, *each.keys) for each in warnings()}  # type: ignore[attr-defined]
    assert warned == {("third", "Title"), ("first", "Title"), ("second", "Title")}
    third.dispatcher.presence.set_settings(digests(Settings()))
    await shared.committed()
    assert len(warnings()) == 4


async def test_nobody_seems_to_leave_a_server_that_restarts_until_the_others_remove_it(
    shared: Shared, first: Node, second: Node
) -> None:
    ada, bob, watching = await first.enter("ada"), await first.enter("bob"), await second.enter("eve")
    await first.dispatcher.drain()
    ada.hang_up(CloseCode.SERVICE_RESTART)
    bob.hang_up(CloseCode.SERVICE_RESTART)
    await second.enter("ada")
    await shared.committed()
    assert watching.changes("ada") == watching.changes("bob") == []
    shared.later = timedelta(milliseconds=presence.GONE_MILLISECONDS + 1)
    await second.database.write(presence.expire)
    await watching.sees("bob", GONE)
    assert watching.changes("ada") == []
