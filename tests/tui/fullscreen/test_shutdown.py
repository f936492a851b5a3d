"""A client that is asked to end at an unusual moment."""

import pytest
from textual.widgets import Static

from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.room.subjects import Subjects
from tui.options import Options


@pytest.mark.parametrize("mounts_first", [True, False])
async def test_a_client_that_must_end_while_its_room_is_mounted_ends_cleanly(
    monkeypatch: pytest.MonkeyPatch, mounts_first: bool
) -> None:
    mount, app = Subjects.mount, FlagpostApp(Options("ada", "ws://127.0.0.1:9/ws"))

    async def end(subjects: Subjects) -> None:
        if mounts_first:
            await app.room.mount(Static())
        app.exit()
        await mount(subjects)

    monkeypatch.setattr(Subjects, "mount", end)
    # Raises an error of the client.
    async with app.run_test():
        pass
    assert not app.room.complete
