"""What is typed arrives, in fields of one line and of many."""

from textual import events
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from tui.fullscreen.widgets.field import Field
from tui.fullscreen.widgets.prompt import Prompt

TYPED = ("می\u200cخواهم", "👩\u200d🚀", "abc\u200e \u200fd", "\u2067x\u2069 y")
CLUSTERS = ("👨‍👩‍👧", "🇩🇪", "e\u0301")


class Fields(App[None]):
    """Has a field of each kind."""

    def compose(self) -> ComposeResult:
        yield Field(id="field", select_on_focus=False)
        yield Prompt(id="prompt")

    def fill(self, text: str) -> None:
        """Put a text into both, with the cursor at its end."""
        field, prompt = self.query_one(Input), self.query_one(TextArea)
        field.value = prompt.text = text
        field.cursor_position = len(text)
        prompt.move_cursor(prompt.document.end)

    async def type(self, pilot: Pilot[None], *keys: str) -> None:
        """Type into both, one after the other."""
        for field in self.query("Field, Prompt"):
            self.set_focus(field)
            for key in keys:
                self.post_message(events.Key(key, key if len(key) == 1 else None))
                await pilot.pause()

    @property
    def texts(self) -> set[str]:
        return {self.query_one(Input).value, self.query_one(TextArea).text}


async def test_joiners_and_direction_marks_can_be_typed() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        for text in TYPED:
            app.fill("")
            await app.type(pilot, *text)
            assert app.texts == {text}


async def test_one_key_moves_over_and_deletes_a_character_as_people_see_it() -> None:
    app = Fields()
    async with app.run_test() as pilot:
        for whole in CLUSTERS:
            for keys, left in (
                (("backspace",), "a"), (("left", "delete"), "a"), (("left", "x"), f"ax{whole}"),
                (("left", "right", "x"), f"a{whole}x"), (("shift+left", "y"), "ay"), (("home", "right", "delete"), "a"),
                (("home", "right", "shift+right", "z"), "az"),
            ):  # fmt: skip
                app.fill(f"a{whole}")
                await app.type(pilot, *keys)
                assert app.texts == {left}
