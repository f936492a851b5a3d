"""What a person does in the room: each thing they want becomes an act on the state, and a frame for the server."""

import os
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from textual import events, on, work

from server.protocol import name_text
from server.protocol.codes import ReportState
from server.protocol.frames import React, ReportEntry, Takeback, Typing
from tui.client import slash
from tui.client.client import OFFLINE, nonce
from tui.client.quotation import quotation
from tui.client.relations import UNBLOCK
from tui.client.reports import GONE
from tui.client.timeline import Line
from tui.fullscreen import commands
from tui.fullscreen.roomapp import RoomApp
from tui.fullscreen.timeline.view import TimelineView
from tui.fullscreen.widgets.composer import Composer
from tui.fullscreen.widgets.mute_offer import MuteOffer
from tui.fullscreen.widgets.people import PeopleList
from tui.fullscreen.widgets.profile import ProfilePanel
from tui.options import Options
from tui.text import clean_line
from tui.tone import Tone

TYPING_EVERY_SECONDS = 3.0
DOUBLE_SECONDS = 0.5
"""A second Enter within this was meant for what the first one closed, and would do something in the room."""
BLOCKED = "Neither of you will see the other here: not in the list of people, not in messages, not in history."

if TYPE_CHECKING:
    from tui.fullscreen.screens.reports import ReportsScreen


class FlagpostApp(RoomApp):
    """The chat client."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._said_typing = -TYPING_EVERY_SECONDS
        self._for_form: list[events.Key] | None = None
        """Keys that came while the form of a report opens, and are for it."""
        self._entered_over_room = -DOUBLE_SECONDS
        """When Enter was pressed in a screen over the room, and no other key since."""

    async def on_event(self, event: events.Event) -> None:
        """What is typed in haste behind the key that reports is for the form; a second Enter is for nothing."""
        if isinstance(event, events.Key) and not event.is_forwarded:
            if self._for_form is not None:
                self._for_form.append(event)
                return
            if event.key != "enter":
                self._entered_over_room = -DOUBLE_SECONDS
            elif len(self.screen_stack) > 1:
                self._entered_over_room = monotonic()
            elif monotonic() < self._entered_over_room + DOUBLE_SECONDS:
                return
        await super().on_event(event)

    @on(TimelineView.CopyWanted)
    def _copy(self, event: TimelineView.CopyWanted) -> None:
        # OSC 52: the terminal's clipboard, also over ssh.
        self.copy_to_clipboard(event.text)
        self.notify("Copied.", timeout=2, markup=False)

    @on(TimelineView.ReplyWanted)
    def _reply(self, event: TimelineView.ReplyWanted) -> None:
        self._chat.composer.quote(quotation(event.line))
        self._chat.write()

    @on(Composer.Submitted)
    def _submitted(self, event: Composer.Submitted) -> None:
        """Say it, or do what it says; what cannot be done is given back."""
        if slash.is_command(event.text):
            problem = commands.run(self, event.text)
        else:
            problem = self.say(slash.said(event.text), event.place)
        if problem:
            self._chat.composer.give_back(event.text, event.place)
            self.state.note(problem, Tone.BAD)
        self.show()

    def say(self, text: str, place: str) -> str:
        """Write in a channel or conversation, once there is a connection; why that cannot be, or nothing."""
        if self.state.welcome is None:
            return "There was no connection yet; send it once there is one."
        if (name := place.removeprefix("@")) != place and name in self.state.relations.blocked:
            return f"You have blocked {name_text.quoted(name)}, so neither of you can write to the other. {UNBLOCK}"
        limit = self.state.welcome.limits.message_chars
        if len(text) > limit:
            return f"The message has {len(text)} of at most {limit} characters. Shorten it, or send it in parts."
        said = self.state.say(text, nonce(), place)
        if self.online:
            self.send(said)
        return ""

    def action_mend(self) -> None:
        """Take the latest message that was refused back to the composer."""
        failed = self.state.timeline.take_failed()
        self._chat.composer.give_back(failed.text, self.state.current)
        self.show()
        self._chat.write()
        self.refresh_bindings()

    @on(Composer.EditorWanted)
    def _editor_wanted(self, event: Composer.EditorWanted) -> None:
        self._edit(event)

    @work(group="form", exclusive=True)
    async def _edit(self, event: Composer.EditorWanted) -> None:
        """Let the text be written on in the person's own editor."""
        from tui.fullscreen.editor import EditorError, edit

        try:
            with self._notices.lent(), self._ending.lent():
                text = await edit(self, event.text, os.environ)
        except EditorError as error:
            self.tell(clean_line(str(error)), Tone.BAD)
        else:
            self._chat.composer.put(text, event.place)
        self.show()

    @work(group="form", exclusive=True)
    async def action_my_status(self) -> None:
        """Choose how one is, in words of one's own or the usual ones."""
        from tui.fullscreen import pickers

        if chosen := await self._choose("How you are, in a few words", partial(pickers.statuses, self.state)):
            problem = commands.set_dnd(self) if chosen == pickers.DND else commands.set_status(self, chosen)
            if problem:
                self.tell(problem, Tone.BAD)

    @on(Composer.LongPaste)
    def _long_paste(self, event: Composer.LongPaste) -> None:
        self._paste(event.text)

    @work(group="form", exclusive=True)
    async def _paste(self, text: str) -> None:
        """Ask whether so many lines were meant."""
        lines = text.strip("\n").count("\n") + 1
        if await self._ask(f"Paste {lines} lines into the message?", "Paste"):
            self._chat.composer.insert(text)

    @on(Composer.Typed)
    def _typed(self, event: Composer.Typed) -> None:
        """Let the other one of a conversation know, now and then."""
        now = monotonic()
        if self.online and event.place.startswith("@") and now - self._said_typing >= TYPING_EVERY_SECONDS:
            self._said_typing = now
            self.send(Typing(event.place))

    @on(TimelineView.TakebackWanted)
    def _take_back(self, event: TimelineView.TakebackWanted) -> None:
        if self.can_ask():
            self.send(Takeback(event.line.msg_id))

    async def action_quit(self) -> None:
        """Leave; ask before, once, where a report would be lost."""
        if self.state.reports.unanswered and self.screen is self._chat:
            self._ask_to_leave()
        else:
            await self.leave()

    @work(group="form", exclusive=True)
    async def _ask_to_leave(self) -> None:
        if await self._ask(
            "Your report has not reached the server yet, and would be lost. Leave all the same?", "Leave"
        ):
            await self.leave()

    def action_people(self) -> None:
        """Turn to the list of people."""
        self._close_profile()
        self._chat.show_people()

    @on(TimelineView.MuteWanted)
    @on(PeopleList.MuteWanted)
    def _mute_wanted(self, event: TimelineView.MuteWanted | PeopleList.MuteWanted) -> None:
        if self.can_ask():
            self.send(self.state.toggle_mute(event.username))
            self.show()

    @on(MuteOffer.Accepted)
    def _mute_offered(self) -> None:
        if self.can_ask():
            self.send(self.state.toggle_mute(self.state.mute_offer))
        self._decline_offer()

    @on(PeopleList.BlockWanted)
    def _block_wanted(self, event: PeopleList.BlockWanted) -> None:
        if self.can_ask():
            self.block(event.username)

    @work(group="form", exclusive=True)
    async def block(self, username: str) -> None:
        """Ask, and block; to take it back needs no question."""
        if username in self.state.relations.blocked or await self._ask(
            f"Block {name_text.quoted(username)}? {BLOCKED}", "Block"
        ):
            self.send(self.state.relations.toggle_block(username))

    @on(MuteOffer.Declined)
    def _decline_offer(self) -> None:
        self.state.mute_offer = ""
        self.show()
        self._chat.write()

    @on(TimelineView.ProfileWanted)
    @on(PeopleList.ProfileWanted)
    def _profile_wanted(self, event: TimelineView.ProfileWanted | PeopleList.ProfileWanted) -> None:
        if self.can_ask():
            self.send(self.state.ask_profile(event.username, nonce()))
            self.show()
            self._chat.show_profile()

    @on(ProfilePanel.Closed)
    def _close_profile(self) -> None:
        self.state.profile = None
        self.show()
        self._chat.leave_profile()

    @on(TimelineView.ReactWanted)
    def _react_wanted(self, event: TimelineView.ReactWanted) -> None:
        if self.can_ask():
            self._react(event.line)

    @work(group="form", exclusive=True)
    async def _react(self, line: Line) -> None:
        """Let an emoji be chosen; one's own is taken away."""
        from tui.fullscreen import pickers

        if emoji := await self._choose("An emoji by its name", partial(pickers.emojis, line)):
            now = self.state.timeline.find(line.msg_id) or line
            remove = any(each.emoji == emoji and each.mine for each in now.reactions)
            self.send(React(line.msg_id, emoji, remove))

    @on(TimelineView.ReportWanted)
    def _report_wanted(self, event: TimelineView.ReportWanted) -> None:
        if self.can_ask():
            self._for_form = None if self.state.reports.reported(event.line.msg_id) else []
            self._report(event.line)

    async def on_report_form_ready(self) -> None:
        """Give the form what was typed for it."""
        keys, self._for_form = self._for_form or [], None
        for key in keys:
            await self.on_event(key)

    @work(group="form", exclusive=True)
    async def _report(self, line: Line) -> None:
        try:
            await self._fill_in(line)
        finally:
            # Whatever became of the form, keys are for the room again.
            self._for_form = None

    async def _fill_in(self, line: Line) -> None:
        """Ask where it was reported before, show the form, send it."""
        from tui.fullscreen.screens.report import ReportForm, Subject

        welcome, reports = self.state.welcome, self.state.reports
        if welcome is None or not welcome.report_reasons:
            return
        again = reports.reported(line.msg_id)
        question = f"You have reported this message of {name_text.quoted(line.author)} already. Add to that report?"
        if again and not await self._ask(question, "Add to report"):
            return
        subject = Subject(line, self.state.context_of(line), again, reports.drafts.get(line.msg_id))
        form = ReportForm(subject, welcome.report_reasons, welcome.limits.comment_chars, self._obstacle)
        filled = await self.push_screen_wait(form)
        if not filled.sent:
            reports.keep(line.msg_id, filled.draft)
        elif not self.state.timeline.holds(line):
            self.state.note(GONE, Tone.BAD)
        else:
            self.send(self.state.report(line, filled.draft, nonce()))
        self.show()

    def _obstacle(self) -> str:
        return "" if self.online else OFFLINE

    async def action_my_reports(self) -> None:
        """Show one's own reports, as the server knows them now."""
        from tui.fullscreen.screens.reports import ReportsScreen

        if any(isinstance(each, ReportsScreen) for each in self.screen_stack):
            return
        self.state.reports.problem = ""
        if self.online:
            self.send(self.state.reports.ask(nonce()))
        await self.push_screen(ReportsScreen(self.state.place_of))
        self.show()

    def on_reports_screen_jump_wanted(self, event: "ReportsScreen.JumpWanted") -> None:
        """Go to the reported message; where it is further up than what is loaded, that is loaded first."""
        entry = event.entry
        timeline = self.state.timelines.get(entry.channel)
        if entry.about in self.state.relations.hidden:
            who = name_text.quoted(entry.about)
            self._complain(f"{who} is muted or blocked, and what {who} says is not shown.")
        elif timeline is None and not entry.channel.startswith("@"):
            self._complain("The channel of that message is not there any more.")
        elif not self.online and not (timeline and timeline.find(entry.msg_id)):
            self._complain(f"That message is not loaded. {OFFLINE}")
        else:
            self._go_to(entry)

    def on_reports_screen_withdraw_wanted(self, event: "ReportsScreen.WithdrawWanted") -> None:
        """Take it back, where there is a connection."""
        if self.online:
            self._withdraw(event.entry)
        else:
            self._complain(OFFLINE)

    def _complain(self, problem: str) -> None:
        """Say on the screen of reports why something cannot be done."""
        self.state.reports.problem = problem
        self.show()

    @work(group="form", exclusive=True)
    async def _withdraw(self, entry: ReportEntry) -> None:
        """Ask, and take the report back."""
        evidence = self.state.welcome is not None and self.state.welcome.webhooks.evidence
        about = name_text.quoted(entry.about)
        words = f"Withdraw your report of {about}'s message? {_consequence(entry, evidence=evidence)}"
        if await self._ask(words, "Withdraw"):
            self.send(self.state.reports.withdraw(entry.report_id, nonce()))
            self.show()


def _consequence(entry: ReportEntry, *, evidence: bool) -> str:
    """What comes of a withdrawal; a site is told of it where it is sent evidence."""
    if entry.status in {ReportState.RECEIVED, ReportState.WAITING, ReportState.GIVEN_UP}:
        # An attempt that failed may have been read, and so may the report that something was added to.
        known = "is told so" if evidence else "is not told"
        return f"Nothing more of it is sent. If the website has seen it already, it {known}."
    return "The website is told so." if evidence else "The website has it already, and is not told."
