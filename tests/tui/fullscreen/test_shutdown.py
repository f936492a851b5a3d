"""A client that is told to end at an unusual moment."""

import pytest

from tui.fullscreen.app import FlagpostApp
from tui.fullscreen.widgets.channels import PlaceLists
from tui.options import Options


@pytest.mark.parametrize("mounts_first", [True, False])
async def test_a_client_that_is_told_to_end_while_its_room_is_mounted_ends_in_order(
    monkeypatch: pytest.MonkeyPatch, mounts_first: bool
) -> None:
    mount = PlaceLists.mount_lists

    async def end(lists: PlaceLists) -> None:
        if mounts_first:
            await mount(lists)
        lists.app.exit()
        if not mounts_first:
            await mount(lists)

    monkeypatch.setattr(PlaceLists, "mount_lists", end)
    app = FlagpostApp(Options("ada", "ws://127.0.0.1:9/ws"))
    # Raises an error of the client.
    async with app.run_test():
        pass
    assert not app.room.complete
