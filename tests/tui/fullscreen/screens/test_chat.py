"""The room: writing, reading, channels, conversations, names, and losing the connection."""

from collections.abc import Sequence

from textual import events
from textual.widgets import Input

from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    CHAT_SERVER,
    ClientFrame,
    Echo,
    Error,
    History,
    HistoryRequest,
    Login,
    Me,
    Presence,
    Say,
    ServerFrame,
    WhoEntry,
)
from tests.support.pilots import GUARD_SECONDS, app_of, client, screen_text, until, until_said, until_seen, until_told
from tests.support.scripted_server import PEOPLE, ScriptedServer, confirming, line, scripted_server
from tui.client.timeline import GAP
from tui.fullscreen.app import LATER_CSS, FlagpostApp
from tui.fullscreen.screens.name import NamePrompt
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.options import Options


async def test_a_message_is_pending_until_the_server_has_numbered_it() -> None:
    async with client() as (pilot, server):
        await pilot.press(*"hello", "enter")
        await until_seen(pilot, "hello  sending…")
        assert pilot.app.screen.query_one(Composer).text == ""
        said = await until_said(pilot, server)
        server.send(*confirming()(said))
        await until(pilot, lambda: "sending…" not in screen_text(app_of(pilot)), "confirmed")
        assert screen_text(app_of(pilot)).count("hello") == 1


async def test_a_message_that_is_refused_says_why() -> None:
    def refused(frame: ClientFrame) -> Sequence[ServerFrame]:
        assert isinstance(frame, Say)
        return [Error("bob is not here now.", ErrorCode.NOT_HERE, CHAT_SERVER, frame.nonce)]

    async with client(ScriptedServer(answer=refused)) as (pilot, _):
        await pilot.press(*"hello", "enter")
        await until_seen(pilot, "✗ Not sent: bob is not here now.")
        await until_seen(pilot, "Press Alt+R to edit it")
        await pilot.press(*"so", "alt+r")
        composer = pilot.app.screen.query_one(Composer)
        await until(pilot, lambda: composer.text == "hello\nso", "it is back")
        assert "Not sent" not in screen_text(app_of(pilot))
        assert composer.has_focus
        await pilot.press("alt+r")
        assert composer.text == "hello\nso"


async def test_several_lines_are_one_message() -> None:
    async with client(ScriptedServer(answer=confirming())) as (pilot, server):
        await pilot.press("a", "alt+enter", "b", "enter")
        said = await until_said(pilot, server)
        assert said.message == "a\nb"


async def test_a_message_over_the_limit_stays_in_the_composer() -> None:
    async with client() as (pilot, server):
        pilot.app.screen.query_one(Composer).text = "x" * 4001
        await pilot.press("enter")
        await until_seen(pilot, "The message has 4001 characters; the limit is 4000.")
        assert not server.sent(Say)
        assert len(pilot.app.screen.query_one(Composer).text) == 4001


async def test_text_typed_right_after_sending_is_the_next_message_and_none_is_sent_twice() -> None:
    async with client() as (pilot, server):
        composer = pilot.app.screen.query_one(Composer)
        composer.insert("one")
        # All in one iteration of the event loop: the app handles the first message only afterwards.
        composer.action_send()
        composer.action_send()
        composer.insert("two")
        composer.action_send()
        await until(pilot, lambda: len(server.sent(Say)) == 2, "both")
        assert sorted(frame.message for frame in server.sent(Say) if isinstance(frame, Say)) == ["one", "two"]


async def test_enter_is_handled_after_what_was_typed_or_pasted_before_it() -> None:
    async with client() as (pilot, server):
        for text in ("one", "two"):
            app_of(pilot).post_message(events.Paste(text))
            app_of(pilot).post_message(events.Key("!", "!"))
            app_of(pilot).post_message(events.Key("enter", "\r"))
        await until(pilot, lambda: len(server.sent(Say)) == 2, "both")
        assert sorted(frame.message for frame in server.sent(Say) if isinstance(frame, Say)) == ["one!", "two!"]


async def test_control_characters_of_a_paste_are_replaced() -> None:
    async with client() as (pilot, _):
        composer = pilot.app.screen.query_one(Composer)
        pilot.app.post_message(events.Paste("a\x1b]2;title\x07b\u202ec"))
        await until(pilot, lambda: bool(composer.text), "pasted")
        assert composer.text == "a␛]2;title␇bc"


async def test_unread_messages_are_counted_until_their_channel_is_opened() -> None:
    async with client() as (pilot, server):
        server.send(line(10, "bob", "soup", "galley"), line(11, "bob", "bread", "galley"))
        await until_seen(pilot, "# Galley      2")
        await pilot.press("alt+a")
        await until_seen(pilot, "bread")
        assert app_of(pilot).state.current == "galley"
        before, _, after = screen_text(app_of(pilot)).partition("─ new messages ─")
        assert "soup" in after
        assert "soup" not in before
        assert "# Galley      2" not in screen_text(app_of(pilot))
        await pilot.press("ctrl+p")
        assert app_of(pilot).state.current == "lobby"
        await pilot.press("ctrl+n")
        await until_seen(pilot, "soup")
        assert "new messages" not in screen_text(app_of(pilot))


async def test_a_direct_message_opens_a_conversation() -> None:
    async with client(ScriptedServer(answer=confirming())) as (pilot, server):
        server.send(line(10, "bob", "psst", "@bob"))
        await until_seen(pilot, "@bob")
        await pilot.press("ctrl+n", "ctrl+n")
        await until_seen(pilot, "psst")
        await pilot.press(*"yes", "enter")
        said = await until_said(pilot, server)
        assert said.channel == "@bob"
        server.send(Presence("bob", "has exited the room!"))
        await until_seen(pilot, "“bob” has exited the room!")


async def test_keys_before_the_first_frame_take_effect_once_the_room_is_shown() -> None:
    class Hasty(FlagpostApp):
        CSS_PATH = str(LATER_CSS.with_name("room.tcss"))

        def on_mount(self) -> None:
            for key in ("ctrl+n", "f1", "f1", "h", "i"):
                self.post_message(events.Key(key, key if len(key) == 1 else None))
            self.redraw()

    with scripted_server(ScriptedServer()) as server:
        app = Hasty(Options("ada", server.url))
        async with app.run_test(size=(120, 36)) as pilot:
            await until_seen(pilot, "PEOPLE  3")
            await until(pilot, lambda: app.room.composer.text == "hi", "the text")
            await app.action_quit()


async def test_a_conversation_can_be_opened_from_the_list_of_people() -> None:
    async with client() as (pilot, _):
        await pilot.press("ctrl+o", "down", "enter")
        await until(pilot, lambda: app_of(pilot).state.current == "@bob", "the conversation")
        assert isinstance(pilot.app.screen.focused, Composer)


async def test_click_opens_a_channel() -> None:
    async with client() as (pilot, _):
        await pilot.click("#channels", offset=(4, 3))
        await until(pilot, lambda: app_of(pilot).state.current == "galley", "turned")


async def test_the_list_of_people_follows_joins_and_leaves() -> None:
    async with client() as (pilot, server):
        server.send(Presence("carol", "has joined the room!", WhoEntry("carol", 9)))
        await until_seen(pilot, "PEOPLE  4")
        await until_seen(pilot, "carol")
        server.send(Presence("carol", "has exited the room!"))
        await until_seen(pilot, "PEOPLE  3")


async def test_arrow_keys_reach_each_message_and_escape_returns_to_the_composer() -> None:
    async with client() as (pilot, _):
        view = pilot.app.screen.query_one(TimelineView)
        await pilot.press("up")
        seen = []
        for _ in range(3):
            assert view.highlighted
            seen.append(view.highlighted.msg_id)
            await pilot.press("up")
        assert seen == [3, 2, 1]
        await pilot.press("escape")
        assert isinstance(pilot.app.screen.focused, Composer)
        await pilot.press("up", "down")
        assert isinstance(pilot.app.screen.focused, Composer)


async def test_the_mouse_highlights_a_message() -> None:
    async with client() as (pilot, _):
        rows = screen_text(app_of(pilot)).split("\n")
        y = next(number for number, row in enumerate(rows) if "Wind is" in row)
        await pilot.click(offset=(rows[y].index("Wind"), y))
        highlighted = pilot.app.screen.query_one(TimelineView).highlighted
        assert highlighted
        assert highlighted.msg_id == 2


async def test_older_messages_are_loaded_at_the_beginning_of_the_timeline() -> None:
    def older(frame: ClientFrame) -> Sequence[ServerFrame]:
        if not isinstance(frame, HistoryRequest):
            return ()
        return [History(frame.channel, [line(1, "bob", "the very first")], more=False, nonce=frame.nonce)]

    late = ScriptedServer(opening=(PEOPLE, Echo([line(7, "bob", "late")])), answer=older)
    async with client(late) as (pilot, server):
        await pilot.press("up", "up")
        await until_seen(pilot, "the very first")
        (ask,) = server.sent(HistoryRequest)
        assert isinstance(ask, HistoryRequest)
        assert (ask.channel, ask.before_id) == ("lobby", 7)
        await pilot.press("home", "up", "up")
        await pilot.pause()
        assert len(server.sent(HistoryRequest)) == 1


async def test_a_user_who_gets_another_name_is_notified() -> None:
    another = ScriptedServer(login=lambda frame: Me("ada 2", op=False))
    async with client(another) as (pilot, _):
        await until_told(pilot, "“ada” is taken, so you're “ada 2” here.")


async def test_the_holder_of_a_requested_name_is_not_notified() -> None:
    async with client(ScriptedServer(login=lambda frame: Me("Ada", op=False))) as (pilot, _):
        assert "not free" not in screen_text(app_of(pilot))


async def test_a_name_that_is_refused_asks_for_another() -> None:
    def login(frame: Login) -> ServerFrame:
        if frame.username == "ada":
            return Error("A name cannot be ada.", ErrorCode.BAD_NAME, CHAT_SERVER)
        return Me(frame.username, op=False)

    with scripted_server(ScriptedServer(login=login)) as server:
        async with FlagpostApp(Options("ada", server.url)).run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: isinstance(pilot.app.screen, NamePrompt), "the question")
            await until_seen(pilot, "A name cannot be ada.")
            await until_seen(pilot, "⏎ Join ^q Quit")
            # Otherwise the server would close the connection while the user is choosing, and count each new one.
            await until(pilot, lambda: server.closes == [CloseCode.NORMAL], "that the client has left")
            pilot.app.screen.query_one(Input).value = "eve"
            await pilot.press("enter")
            await until_seen(pilot, "online as eve")


async def test_after_a_lost_connection_the_timeline_catches_up_and_unsent_text_is_sent_once() -> None:
    async with client() as (pilot, server):
        server.answer = confirming()
        server.opening = (PEOPLE, Echo([line(3, "bob", "buy my stuff"), line(4, "bob", "while you were out")]))
        server.drop()
        await until_seen(pilot, "No connection to")
        await pilot.press(*"offline words", "enter")
        await until_seen(pilot, "Connected again.")
        await until_seen(pilot, "while you were out")
        await until(pilot, lambda: "sending…" not in screen_text(app_of(pilot)), "sent")
        shown = screen_text(app_of(pilot))
        assert [shown.count(text) for text in ("buy my stuff", "while you were out", "offline words")] == [1, 1, 1]
        first, second = server.sent(Login)
        assert isinstance(first, Login)
        assert isinstance(second, Login)
        assert first.since is None
        assert second.since
        assert (second.since.epoch, second.since.msg_id) == ("e1", 3)
        assert first.token is second.token is None


async def test_messages_that_could_not_be_recovered_show_as_a_gap() -> None:
    async with client() as (pilot, server):
        server.opening = (PEOPLE, Echo([line(99, "bob", "much later")], recovered=False))
        server.answer = lambda _: [Error("No history now.", ErrorCode.INTERNAL, CHAT_SERVER)]
        server.drop()
        await until_seen(pilot, GAP)
        await until_seen(pilot, "much later")


async def test_quitting_closes_the_connection_cleanly() -> None:
    with scripted_server() as server:
        app = FlagpostApp(Options("ada", server.url))
        async with app.run_test(size=(80, 24)) as pilot:
            await until_seen(pilot, "online as ada")
            await pilot.press("ctrl+q")
            await until(pilot, lambda: bool(server.closes), f"the close within {GUARD_SECONDS} s")
        assert server.closes == [1000]
