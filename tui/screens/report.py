"""The report form: preview of the message, a reason, a comment, submit and cancel."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Button, Footer, OptionList, Static
from textual.widgets.option_list import Option

from server.protocol.frames import ReportReason
from tui.core.timeline import Line
from tui.keymap import Where, bindings
from tui.widgets.blocks import clock
from tui.widgets.prompt import Prompt

PREVIEW_CHARS = 400


class Comment(Prompt):
    """The comment; Enter submits the form."""

    BINDINGS = bindings(Where.COMMENT)

    class Submitted(Message):
        """The form is ready."""

    def action_submit(self) -> None:
        """Post that the form is ready."""
        self.post_message(self.Submitted())


class Filled(NamedTuple):
    """A form that was submitted."""

    reason: str
    comment: str


class ReportForm(ModalScreen[Filled | None]):
    """Gives what was filled in, or None if it was cancelled."""

    BINDINGS = bindings(Where.FORM)

    def __init__(
        self,
        line: Line,
        place: str,
        reasons: Sequence[ReportReason],
        comment_chars: int,
        obstacle: Callable[[], str],
    ) -> None:
        """`obstacle` says why a report cannot be sent now, or nothing; the form then stays with what is in it."""
        super().__init__()
        self._obstacle = obstacle
        self._line = line
        self._place = place
        self._reasons = reasons
        self._comment_chars = comment_chars

    def compose(self) -> ComposeResult:
        """From top to bottom in the order in which it is filled in."""
        with Vertical(id="form"):
            yield Static(Content.assemble(("⚑ ", "bold $error"), ("Report a message", "bold")), id="form-title")
            yield Static(_preview(self._line, self._place), id="form-preview")
            yield Static("What is wrong with it?", classes="form-label", markup=False)
            yield OptionList(
                *(Option(Content(each.reason)) for each in self._reasons), id="form-reasons", markup=False, compact=True
            )
            yield Static("Comment", classes="form-label", id="form-comment-label", markup=False)
            yield Comment(placeholder="What should the site know?", id="form-comment")
            yield Static(id="form-problem", markup=False)
            with Horizontal(id="form-buttons"):
                yield Button("Submit report", id="form-submit", variant="error", compact=True)
                yield Button("Cancel", id="form-cancel", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin with the reasons, the first of which is chosen."""
        reasons = self.query_one("#form-reasons", OptionList)
        reasons.highlighted = 0
        reasons.focus()

    @property
    def _reason(self) -> ReportReason:
        return self._reasons[self.query_one("#form-reasons", OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _say_what_is_needed(self) -> None:
        word = "required" if self._reason.comment_required else "optional"
        self.query_one("#form-comment-label", Static).update(Content.assemble("Comment  ", (word, Style(dim=True))))
        self._complain("")

    @on(OptionList.OptionSelected)
    def action_next(self) -> None:
        """From the reasons to the comment."""
        self.query_one(Comment).focus()

    @on(Button.Pressed, "#form-cancel")
    def action_cancel(self) -> None:
        """Close the form without a report."""
        self.dismiss(None)

    @on(Button.Pressed, "#form-submit")
    @on(Comment.Submitted)
    def action_submit(self) -> None:
        """Close the form with what was filled in, or say what is missing."""
        comment = self.query_one(Comment).text.strip()
        if self._reason.comment_required and not comment:
            self._complain("Describe in the comment what is wrong.")
            self.query_one(Comment).focus()
        elif len(comment) > self._comment_chars:
            self._complain(f"The comment has {len(comment)} of at most {self._comment_chars} characters.")
        elif obstacle := self._obstacle():
            self._complain(obstacle)
        else:
            self.dismiss(Filled(self._reason.reason, comment))

    def _complain(self, problem: str) -> None:
        self.query_one("#form-problem", Static).update(Content(problem))


def _preview(line: Line, place: str) -> Content:
    """The message as it was written, its author, place and time."""
    text = line.text if len(line.text) <= PREVIEW_CHARS else line.text[:PREVIEW_CHARS] + "…"
    return Content.assemble((line.author, "bold"), (f"  {place}  {clock(line.at)}\n", Style(dim=True)), text)
