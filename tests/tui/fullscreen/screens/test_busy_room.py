"""A busy room: what a message and an arrival may cost is counted in layouts and drawn rows, not in time."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from server.protocol.frames import ChannelEntry, Presence, Who, WhoEntry
from tests.support.pilots import app_of, client, until_seen
from tests.support.scripted_server import OPENING, WELCOME, ScriptedServer, line
from tui.client import slash
from tui.fullscreen.widgets.channels import PlaceRow
from tui.fullscreen.widgets.footer import FooterEntry, KeyFooter
from tui.fullscreen.widgets.people_list import PersonRow
from tui.fullscreen.widgets.row_list import RowList
from tui.fullscreen.widgets.rows import ListRow

CROWD = Who([WhoEntry(f"person {number:03}", 1) for number in range(300)])
CHANNELS = [*WELCOME.channels, *(ChannelEntry(f"room{number}", f"Room {number}") for number in range(100))]
BUSY = ScriptedServer(welcome=replace(WELCOME, channels=CHANNELS), opening=(CROWD, OPENING))


@pytest.fixture(autouse=True)
def drawn_when_looked_at() -> None:
    """Draw each change, as what is drawn is counted."""


@contextmanager
def counted(pilot: Pilot[None], patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield a list to which everything that must not happen often is added, by name."""
    seen: list[str] = []

    def person(row: PersonRow) -> ListRow:
        seen.append(row.id)
        return made(row)

    def place(row: PlaceRow) -> ListRow:
        seen.append(row.id)
        return drawn(row)

    def keys(footer: KeyFooter) -> list[FooterEntry]:
        seen.append("footer")
        return fitted(footer)

    made, drawn, fitted = PersonRow.content, PlaceRow.content, KeyFooter._fitting
    signal = pilot.app.screen.screen_layout_refresh_signal
    signal.subscribe(pilot.app.screen, lambda _: seen.append("layout"))
    with patch.context() as during:
        during.setattr(PersonRow, "content", person)
        during.setattr(PlaceRow, "content", place)
        during.setattr(slash, "names", lambda _: seen.append("words"))
        during.setattr(KeyFooter, "_fitting", keys)
        yield seen
    signal.unsubscribe(pilot.app.screen)


def without_footer(seen: Sequence[str]) -> list[str]:
    """Leave out checks of the footer: a key that was pressed before can cause one late."""
    return [each for each in seen if each != "footer"]


async def test_messages_and_arrivals_draw_only_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(BUSY) as (pilot, server):
        with counted(pilot, monkeypatch) as seen:
            for number in range(10, 13):
                server.send(line(number, "person 007", f"[Rope](https://example.org) number {number}"))
                await until_seen(pilot, f"number {number}")
            await pilot.pause()
        assert without_footer(seen) == []
        assert seen.count("footer") < 3
        with counted(pilot, monkeypatch) as seen:
            server.send(line(20, "person 007", "Tide", "galley"), line(21, "person 007", "Tide", "room90"))
            await until_seen(pilot, "↓ 1 unread")
            await pilot.pause()
        # A hint appears below the list, so the list has one line less.
        assert set(without_footer(seen)) == {"layout", "galley"}
        with counted(pilot, monkeypatch) as seen:
            server.send(line(22, "person 007", "Tide", "galley"), line(23, "person 007", "Tide", "room90"))
            await until_seen(pilot, " 2 ")
            await pilot.pause()
        assert without_footer(seen) == ["galley"]
        with counted(pilot, monkeypatch) as seen:
            server.send(*(Presence(name, "has joined the room!", WhoEntry(name, 1)) for name in ("person 000 a", "z")))
            await until_seen(pilot, "PEOPLE  302")
            await pilot.pause()
        assert without_footer(seen) == ["person 000 a"]
        await pilot.press("ctrl+o", "home", "escape")
        await pilot.pause()
        with counted(pilot, monkeypatch) as seen:
            for number, name in enumerate(newcomers := ["person 000 b", "person 000 c", "person 000 d"], start=303):
                server.send(Presence(name, "has joined the room!", WhoEntry(name, 1)))
                await until_seen(pilot, f"PEOPLE  {number}")
            await pilot.pause()
        assert without_footer(seen) == newcomers
        # The same person is highlighted, so arrivals do not check the footer.
        assert seen.count("footer") < len(newcomers)


async def test_a_redraw_keeps_the_highlight_of_a_list_that_has_the_focus() -> None:
    async with client() as (pilot, server):
        channels = app_of(pilot).screen.query_one("#channels", RowList)
        channels.focus()
        await pilot.press("down")
        assert channels.chosen == "galley"
        server.send(line(10, "bob", "Tide"))
        await until_seen(pilot, "Tide")
        assert channels.chosen == "galley"
