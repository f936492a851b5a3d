"""The report form: what the site is sent, a reason, a comment, submit and cancel."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from server.protocol.frames import ReportReason
from tui.core.reports import Draft
from tui.core.timeline import Line
from tui.keymap import Where, bindings
from tui.times import clock
from tui.widgets.evidence import STILL_KEPT, EvidenceView
from tui.widgets.footer import KeyFooter
from tui.widgets.prompt import Prompt

TITLE = "Report a message"
PREVIEW_CHARS = 400


class Comment(Prompt):
    """The comment; Enter submits the form."""

    BINDINGS = bindings(Where.COMMENT)

    class Submitted(Message):
        """The form is ready."""

    def action_submit(self) -> None:
        """Post that the form is ready."""
        self.post_message(self.Submitted())


class Subject(NamedTuple):
    """What is reported, frozen as the form opens."""

    line: Line
    place: str
    context: tuple[Sequence[Line], Sequence[Line]] | None
    """The messages before and after that can be sent along; None where the site takes none."""
    again: bool
    """Whether it adds to a report that was sent before."""
    draft: Draft | None
    """What was filled in before, and not taken by the server."""


class ReportForm(ModalScreen[Draft | None]):
    """Gives what was filled in, or None if it was cancelled."""

    BINDINGS = bindings(Where.FORM)

    def __init__(
        self, subject: Subject, reasons: Sequence[ReportReason], comment_chars: int, obstacle: Callable[[], str]
    ) -> None:
        """`obstacle` says why a report cannot be sent now, or nothing; the form then stays with what is in it."""
        super().__init__()
        self._subject = subject
        self._reasons = reasons
        self._comment_chars = comment_chars
        self._obstacle = obstacle

    def compose(self) -> ComposeResult:
        """From top to bottom in the order in which it is filled in."""
        title, submit = ("Add to your report", "Add to report") if self._subject.again else (TITLE, "Submit report")
        with Vertical(id="form"):
            yield Static(Content.assemble(("⚑ ", "bold $error"), (title, "bold")), id="form-title")
            yield from self._compose_subject()
            yield Static("What is wrong with it?", classes="form-label", markup=False)
            yield OptionList(
                *(Option(Content(each.reason)) for each in self._reasons), id="form-reasons", markup=False, compact=True
            )
            yield Static("Comment", classes="form-label", id="form-comment-label", markup=False)
            yield Comment(placeholder="What should the site know?", id="form-comment")
            yield Static(id="form-problem", markup=False)
            with Horizontal(id="form-buttons"):
                yield Button(submit, id="form-submit", variant="error", compact=True)
                yield Button("Cancel", id="form-cancel", compact=True)
        yield KeyFooter()

    def _compose_subject(self) -> ComposeResult:
        line, place, context, _, _ = self._subject
        if context is None:
            yield Static(_preview(line, place), id="form-preview")
            return
        with Horizontal(id="form-sent"):
            yield Static(id="form-summary", markup=False)
            if any(context):
                yield Button("−", id="form-fewer", compact=True)
                yield Button("+", id="form-more", compact=True)
                yield Button("None", id="form-alone", compact=True)
        yield EvidenceView(line, *context, id="form-evidence")

    def on_mount(self) -> None:
        """Begin with the reasons, the first of which is chosen unless another was before."""
        reasons, draft = self.query_one("#form-reasons", OptionList), self._subject.draft
        chosen = (at for at, each in enumerate(self._reasons) if draft and each.reason == draft.reason)
        reasons.highlighted = next(chosen, 0)
        if draft:
            self.query_one(Comment).text = draft.comment
        if draft and self._evidence:
            self._evidence.send(len(draft.context))
        self._summarise()
        reasons.focus()

    @property
    def _evidence(self) -> EvidenceView | None:
        return next(iter(self.query(EvidenceView)), None)

    def _summarise(self) -> None:
        if self._evidence:
            words = Content.assemble(("Sent: ", Style(dim=True)), self._evidence.summary)
            self.query_one("#form-summary", Static).update(words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No keys for messages around it where there are none to send."""
        return bool(self._evidence and self._evidence.around) if action in {"fewer", "more", "alone"} else True

    @on(Button.Pressed, "#form-fewer")
    def action_fewer(self) -> None:
        """Send one of the messages around it less."""
        if self._evidence:
            self._evidence.fewer()
            self._summarise()

    @on(Button.Pressed, "#form-more")
    def action_more(self) -> None:
        """Send one of the messages around it more."""
        if self._evidence:
            self._evidence.more()
            self._summarise()

    @on(Button.Pressed, "#form-alone")
    def action_alone(self) -> None:
        """Send none of the messages around it."""
        if self._evidence:
            self._evidence.send(0)
            self._summarise()

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
            self.dismiss(Draft(self._reason.reason, comment, self._evidence.sent if self._evidence else ()))

    def _complain(self, problem: str) -> None:
        self.query_one("#form-problem", Static).update(Content(problem))


def _preview(line: Line, place: str) -> Content:
    """The message as it was written, its author, place and time."""
    text = line.text if len(line.text) <= PREVIEW_CHARS else line.text[:PREVIEW_CHARS] + "…"
    said = Content.styled(STILL_KEPT, Style(italic=True, dim=True)) if line.taken_back else Content(text)
    return Content.assemble((line.author, "bold"), (f"  {place}  {clock(line.at)}\n", Style(dim=True)), said)
