"""Your own messages can be edited, and everyone sees that they were."""

from collections.abc import Sequence

from msgspec import structs

from server.protocol.frames import ClientFrame, Echo, Edit, Edited, ServerFrame
from tests.support.pilots import app_of, client, screen_text, until, until_seen
from tests.support.scripted_server import PEOPLE, ScriptedServer, line
from tui.fullscreen.screens.message_editor import MessageEditor

MINE = Echo([line(1, "bob", "hello"), structs.replace(line(2, "ada", "see you at nine"), own=True)])


def editing(frame: ClientFrame) -> Sequence[ServerFrame]:
    return [Edited(frame.msg_id, frame.message)] if isinstance(frame, Edit) else ()


async def test_the_users_own_message_is_edited_by_a_key_and_marked() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE), answer=editing)) as (pilot, server):
        await until_seen(pilot, "see you at nine")
        await pilot.press("up", "c", *["backspace"] * 4, *"ten", "enter")
        await until_seen(pilot, "see you at ten  (edited)")
        (sent,) = server.sent(Edit)
        assert isinstance(sent, Edit)
        assert (sent.msg_id, sent.message) == (2, "see you at ten")
        await pilot.press("c", *"x" * 3, "escape")
        await until(pilot, lambda: not isinstance(pilot.app.screen, MessageEditor), "closed")
        await pilot.press("c", "enter")
        await until(pilot, lambda: not isinstance(pilot.app.screen, MessageEditor), "closed")
        assert len(server.sent(Edit)) == 1


async def test_messages_of_others_cannot_be_edited() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE), answer=editing)) as (pilot, _):
        await until_seen(pilot, "hello")
        await pilot.press("up", "up", "c")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, MessageEditor)


async def test_empty_text_is_refused_in_the_dialog() -> None:
    async with client(ScriptedServer(opening=(PEOPLE, MINE), answer=editing)) as (pilot, server):
        await until_seen(pilot, "see you at nine")
        await pilot.press("up", "c", *["backspace"] * len("see you at nine"), "enter")
        await until_seen(pilot, "The message is empty")
        assert not server.sent(Edit)
        assert "Edit your message" in screen_text(app_of(pilot))
