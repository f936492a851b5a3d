"""The line below the messages that counts the new ones further down."""

from textual import events, on
from textual.content import Content
from textual.widgets import Static

from tui.client.unread import Unseen, shown_count
from tui.fullscreen.keys.keymap import pressed
from tui.fullscreen.widgets.show_text import show_text
from tui.fullscreen.widgets.widget_messages import LatestWanted


class NewBelow(Static):
    """Counts the new messages below what is on the screen; hidden if there are none."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)

    def show_unseen(self, unseen: Unseen) -> None:
        self.display = bool(unseen.count)
        if unseen.count:
            show_text(self, _words(unseen))

    @on(events.Click)
    def _clicked(self) -> None:
        self.post_message(LatestWanted())


def _words(unseen: Unseen) -> Content:
    verb = "mentions" if unseen.mentions == 1 else "mention"
    name = f", {shown_count(unseen.mentions)} {verb} you" if unseen.mentions else ""
    return Content.assemble(
        f"↓ {shown_count(unseen.count)} new below",
        (name, "bold $warning"),
        (f" · {pressed('composer.end')}", "dim"),
    )
