"""The report form: a preview of what will be sent, a reason, a comment, submit and cancel."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.style import Style
from textual.widgets import Button, OptionList, Static
from textual.widgets.option_list import Option

from server.protocol.frames import ReportReason
from tui.client.entries import Line
from tui.client.own_reports import ReportDraft
from tui.fullscreen.keys.bindings import bindings
from tui.fullscreen.keys.keymap import Where, pressed
from tui.fullscreen.widgets.evidence_view import EvidenceView
from tui.fullscreen.widgets.footer import KeyFooter
from tui.fullscreen.widgets.prompt import Prompt

TITLE = "Report a message"
OBSTACLE_SECONDS = 1.0
"""How often to check whether the obstacle is gone."""


class Reasons(OptionList, inherit_bindings=False):
    """The reasons that the site offers; Enter moves to the comment."""

    # OptionList's own binding of Enter would hide from the footer what it does.
    BINDINGS = [  # noqa: RUF012 - Textual declares it so
        *(each for each in OptionList.BINDINGS if isinstance(each, Binding) and each.key != "enter"),
        *bindings(Where.REASONS),
    ]


class Comment(Prompt):
    """The text field for the comment; Enter submits the form."""

    BINDINGS = bindings(Where.COMMENT)

    class Finished(Message):
        """The user submits the form."""

    def action_submit(self) -> None:
        self.post_message(self.Finished())


class Subject(NamedTuple):
    """The reported message and its context, as they were when the form opened."""

    line: Line
    context: tuple[Sequence[Line], Sequence[Line]]
    """The messages before and after it that can be included."""
    again: bool
    """True if this adds to an earlier report."""
    draft: ReportDraft | None
    """What the user entered before, if it was not sent or the server refused it."""
    hues: Mapping[str, int]
    """The hues of the authors, as the room shows them."""


class FilledReport(NamedTuple):
    """The user's input, and whether to send it."""

    draft: ReportDraft
    sent: bool


class ReportForm(ModalScreen[FilledReport]):
    """Returns the user's input, and whether to send it."""

    WHERE = Where.FORM
    BINDINGS = bindings(WHERE)

    def __init__(
        self,
        subject: Subject,
        reasons: Sequence[ReportReason],
        comment_chars: int,
        obstacle: Callable[[], str | None],
    ) -> None:
        """`obstacle` returns why no report can be sent now, or None; until it returns None, the form stays open."""
        super().__init__()
        self._subject = subject
        self._reasons = reasons
        self._longest = comment_chars
        self._obstacle = obstacle
        self._hindered = False
        """True while the problem shown is the obstacle."""

    def compose(self) -> ComposeResult:
        """Arrange the fields in the order in which they are filled in."""
        title, submit = ("Add to your report", "Add to report") if self._subject.again else (TITLE, "Submit report")
        with Vertical(id="form"):
            yield Static(Content.assemble(("⚑ ", "bold $error"), (title, "bold")), id="form-title")
            yield from self._compose_subject()
            yield Static("What's wrong with this message?", classes="form-label", markup=False)
            options = (Option(Content(each.reason)) for each in self._reasons)
            yield Reasons(*options, id="form-reasons", markup=False, compact=True)
            yield Static("Comment", classes="form-label", id="form-comment-label", markup=False)
            hint = f"Anything the moderators should know? ({pressed('comment.submit')} submits)"
            yield Comment(placeholder=hint, id="form-comment")
            yield Static(id="form-problem", markup=False)
            with Horizontal(id="form-buttons"):
                yield Button(submit, id="form-submit", variant="error", compact=True)
                yield Button("Cancel", id="form-cancel", compact=True)
        yield KeyFooter()

    def _compose_subject(self) -> ComposeResult:
        context = self._subject.context
        with Horizontal(id="form-sent"):
            yield Static(id="form-summary", markup=False)
            if any(context):
                yield Button("−", id="form-fewer", compact=True)
                yield Button("+", id="form-more", compact=True)
                yield Button("None", id="form-alone", compact=True)
        yield EvidenceView(self._subject.line, *context, self._subject.hues, id="form-evidence")

    def accept_text(self) -> None:
        """Focus the comment."""
        self.set_focus(self.query_one(Comment))

    @on(events.Mount)
    def _restore_draft(self) -> None:
        """Restore the draft, highlight its reason or else the first one, and focus the reasons."""
        reasons, draft = self.query_one(OptionList), self._subject.draft
        chosen = (at for at, each in enumerate(self._reasons) if draft and each.reason == draft.reason)
        reasons.highlighted = next(chosen, 0)
        if draft:
            self.query_one(Comment).text = draft.comment
            self._evidence.send(len(draft.context))
        self._summarise()
        self.set_focus(reasons)
        self.set_interval(OBSTACLE_SECONDS, self._check_obstacle)

    @property
    def _evidence(self) -> EvidenceView:
        return self.query_one(EvidenceView)

    def _summarise(self) -> None:
        words = Content.assemble(("Will send: ", Style(dim=True)), self._evidence.summary)
        self.query_one("#form-summary", Static).update(words)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide the context keys if there is no context, and in the comment, where they are text."""
        if action not in {"fewer", "more", "alone"}:
            return True
        return bool(self._evidence.around) and not isinstance(self.focused, Comment)

    @on(Button.Pressed, "#form-fewer")
    def action_fewer(self) -> None:
        """Include one fewer message of context."""
        self._evidence.fewer()
        self._summarise()

    @on(Button.Pressed, "#form-more")
    def action_more(self) -> None:
        """Include one more message of context."""
        self._evidence.more()
        self._summarise()

    @on(Button.Pressed, "#form-alone")
    def action_alone(self) -> None:
        """Include no context."""
        self._evidence.send(0)
        self._summarise()

    @property
    def _reason(self) -> ReportReason:
        return self._reasons[self.query_one(OptionList).highlighted or 0]

    @on(OptionList.OptionHighlighted)
    def _update_comment_label(self) -> None:
        word = "required" if self._reason.comment_required else "optional"
        self.query_one("#form-comment-label", Static).update(Content.assemble("Comment  ", (word, Style(dim=True))))
        self._complain(None)

    @on(OptionList.OptionSelected)
    def action_next(self) -> None:
        """Move from the reasons to the comment."""
        self.set_focus(self.query_one(Comment))

    @on(Button.Pressed, "#form-cancel")
    def action_cancel(self) -> None:
        """Close the form without sending, and return the draft."""
        self.dismiss(FilledReport(self._draft, sent=False))

    @on(Button.Pressed, "#form-submit")
    @on(Comment.Finished)
    def action_submit(self) -> None:
        """Close the form and send the report, or show what is missing."""
        comment = self.query_one(Comment).text.strip()
        if self._reason.comment_required and not comment:
            self._complain("This reason requires a comment. Please say what's wrong.")
            self.query_one(Comment).focus()
        elif len(comment) > self._longest:
            self._complain(f"The comment has {len(comment)} characters; the limit is {self._longest}. Shorten it.")
        elif obstacle := self._obstacle():
            self._complain(obstacle)
            self._hindered = True
        else:
            self.dismiss(FilledReport(self._draft, sent=True))

    @property
    def _draft(self) -> ReportDraft:
        return ReportDraft(self._reason.reason, self.query_one(Comment).text.strip(), self._evidence.sent)

    @on(Comment.Changed)
    def _comment_changed(self) -> None:
        """Clear a problem with the comment as soon as the user edits it."""
        if not self._hindered:
            self._complain(None)

    def _check_obstacle(self) -> None:
        """Clear the problem shown once the obstacle is gone."""
        if self._hindered and not self._obstacle():
            self._complain(None)

    def _complain(self, problem: str | None) -> None:
        self._hindered = False
        self.query_one("#form-problem", Static).update(Content(f"✗ {problem}" if problem else ""))
