"""The table from each action to its handler, and what a session must be to use it."""

import hashlib
import secrets
from asyncio import Future
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from server.engine.base import Page, Published
from server.engine.reports import Submission
from server.limiter import Allowance
from server.protocol.codec import encode
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import (
    ClientFrame,
    Echo,
    History,
    HistoryAsk,
    Login,
    Me,
    Message,
    Ping,
    Presence,
    Profile,
    ProfileAsk,
    ReportAsk,
    ReportsAsk,
    ReportStatus,
    Say,
    Since,
    Takeback,
    Who,
    Withdraw,
)
from server.room import Handler, Room
from server.rules import names, publications, reports
from server.rules.publications import Draft, Person, Publication
from server.rules.refusal import Refusal
from server.session import Session
from server.webhooks.profiles import Profiles
from server.webhooks.reports import Reports

MAX_MISSED = 500
"""Messages that a reconnecting client is sent at once; what is more shows as a gap."""

MAX_TAKEN_BACK = 500
"""Messages that a reconnecting client is told were taken back, the latest; it may show older ones still."""

MAX_PAGE_BYTES = 192 * 1024
"""Messages in one frame; a client that has 256 KiB unread is cut off, and would be again at each new try."""

Kind = TypeVar("Kind", bound=ClientFrame)


def login(room: Room, session: Session, frame: Login) -> None:
    """Let a person in by a free name, or by their own one where their old connection still holds it."""
    if session.person:
        raise Refusal(ErrorCode.ALREADY_LOGGED_IN, f"You are logged in as {session.person.name} already.")
    try:
        room.limiter.login(session.address)
    except Refusal as refusal:
        # Closed, so that a client that comes back by itself takes its time.
        session.close(CloseCode.TRY_AGAIN_LATER, refusal.message, reconnect=True)
        return
    person, before = _grant(room, frame)
    session.enter(person)
    room.hub.join(session, person)
    session.send(Me(person.name, op=False))
    session.send(Who(room.hub.who_list()))
    if before is None:
        entered = Presence(person.name, "has joined the room!", session.who_entry(person))
        room.hub.broadcast(entered, but=session)
    else:
        before.close(CloseCode.REPLACED, "You logged in on another connection.", reconnect=False)
    # What is delivered from here on is held, so the rest is exactly what was delivered until now.
    room.start(session, _catch_up(room, session, person, frame.since, room.broker.delivered + 1), None)


def say(room: Room, session: Session, frame: Say) -> None:
    """Publish a message; its author sees it confirmed when it comes back with a number."""
    author = _person(session)
    text = publications.check_text(frame.message)
    peer = None
    if frame.channel.startswith("@"):
        other = room.hub.find(frame.channel[1:])
        if other is None or other is session:
            raise Refusal(ErrorCode.NOT_HERE, "That is you." if other else f"{frame.channel[1:]} is not here now.")
        peer = _person(other)
    channel = "" if peer else room.channel(frame.channel).id
    session.asked()
    published = room.broker.publish(Draft(author, channel, peer, text, frame.nonce))
    published.add_done_callback(partial(_published, room, session, frame.nonce))


def history(room: Room, session: Session, frame: HistoryAsk) -> None:
    """Send older messages of a channel or of a conversation."""
    if not frame.channel.startswith("@"):
        room.channel(frame.channel)
    room.start(session, _send_history(room, session, _person(session), frame), frame.nonce)


def report(room: Room, session: Session, frame: ReportAsk) -> None:
    """Tell the site about a message, from the server's own record."""
    comment = reports.check_form(frame.reason, frame.comment, room.welcome.report_reasons)
    room.start(session, _send_report(room, _reports(room), session, frame, comment), frame.nonce)


def reports_sent(room: Room, session: Session, frame: ReportsAsk) -> None:
    """Send a person their own reports, and where they stand."""
    room.start(session, _send_reports(_reports(room), session, frame.nonce), frame.nonce)


def withdraw(room: Room, session: Session, frame: Withdraw) -> None:
    """Take a report of one's own back."""
    room.start(session, _send_withdrawal(_reports(room), session, frame), frame.nonce)


def takeback(room: Room, session: Session, frame: Takeback) -> None:
    """Take a message of one's own back; everyone who could read it is told, and reports still see it."""
    session.asked()
    taken = room.broker.take_back(frame.msg_id, _person(session))
    taken.add_done_callback(partial(_taken_back, room, session))


def profile(room: Room, session: Session, frame: ProfileAsk) -> None:
    """Ask the site about a person."""
    if room.profiles is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "This site shows no profiles here.")
    username = names.check(frame.username)
    room.start(session, _send_profile(room.profiles, session, username, frame.nonce), frame.nonce)


def ping(room: Room, session: Session, frame: Ping) -> None:
    """Answer that the server is there."""
    del room
    session.send(frame)


def _entry(
    kind: type[Kind],
    handle: Callable[[Room, Session, Kind], None],
    *,
    logged_in: bool = True,
    allowance: Allowance | None = None,
) -> tuple[type[object], Handler]:
    # The table looks a frame up by its own type, so a handler only ever meets the kind that it is written for.
    return kind, Handler(cast(Callable[[Room, Session, ClientFrame], None], handle), logged_in, allowance)


HANDLERS: dict[type[object], Handler] = dict(
    [
        _entry(Login, login, logged_in=False),
        _entry(Say, say, allowance=Allowance.MESSAGES),
        _entry(HistoryAsk, history),
        _entry(ReportAsk, report),
        _entry(ReportsAsk, reports_sent),
        _entry(Withdraw, withdraw),
        _entry(Takeback, takeback),
        _entry(ProfileAsk, profile, allowance=Allowance.PROFILES),
        _entry(Ping, ping, logged_in=False),
    ]
)


def _person(session: Session) -> Person:
    if session.person is None:
        raise Refusal(ErrorCode.NOT_LOGGED_IN, "Log in first.")
    return session.person


def _reports(room: Room) -> Reports:
    if room.reports is None:
        raise Refusal(ErrorCode.WEBHOOK_OFF, "This site takes no reports from here.")
    return room.reports


def _grant(room: Room, frame: Login) -> tuple[Person, Session | None]:
    """The person that logs in, and their older session if they take its place."""
    name = names.check(frame.username)
    secret = frame.token or secrets.token_hex(16)
    identity = hashlib.blake2b(secret.encode(), digest_size=16).hexdigest()
    before = room.hub.find(name)
    if before and before.person and before.person.identity == identity:
        return before.person, before
    return Person(names.free(name, room.hub.sessions), identity), None


async def _catch_up(room: Room, session: Session, person: Person, since: Since | None, before: int) -> None:
    """Send what came before, then the channels' welcome, then what was held meanwhile."""
    try:
        if since and since.epoch == room.broker.epoch:
            page = await room.broker.missed(person, since.msg_id, MAX_MISSED, before)
            taken_back = await room.broker.taken_back(person, since.msg_id, MAX_TAKEN_BACK)
            session.send(_echo(page, person, taken_back, recovered=not page.more))
        else:
            page = await _recent(room, before)
            session.send(_echo(page, person, [], recovered=since is None))
        for channel in room.channels:
            for line in () if since else channel.welcome_messages:
                session.notice(channel.id, line)
        if room.reports and (sent := await room.reports.sent_by(person)).reports:
            session.send(sent)
    finally:
        session.release()


async def _recent(room: Room, before: int) -> Page:
    """The newest messages of each channel, in the order of their numbers."""
    pages = [await room.broker.history(each.id, before, each.echo_messages_on_join) for each in room.channels]
    merged = sorted((one for page in pages for one in page.publications), key=lambda one: one.msg_id)
    return Page(merged, more=False)


def _echo(page: Page, person: Person, taken_back: list[int], *, recovered: bool) -> Echo:
    messages, complete = _fitting(page, person)
    return Echo(messages, recovered and complete, taken_back)


def _fitting(page: Page, person: Person) -> tuple[list[Message], bool]:
    """The newest messages of a page that fit into one frame, and whether those are all."""
    fitting: list[Message] = []
    left = MAX_PAGE_BYTES
    for publication in reversed(page.publications):
        message = publication.frame_for(person)
        left -= len(encode(message))
        if left < 0:
            return fitting[::-1], False
        fitting.append(message)
    return fitting[::-1], True


def _published(room: Room, session: Session, nonce: str | None, published: "Future[Published]") -> None:
    session.answered()
    if published.cancelled():
        return
    if error := published.exception():
        room.failed(session, nonce, error)
        return
    publication, fresh = published.result()
    # A message that was sent again is not delivered again; its author still has to see it confirmed.
    if not fresh and session.person:
        session.send(publication.frame_for(session.person))


def _taken_back(room: Room, session: Session, taken: "Future[Publication]") -> None:
    session.answered()
    if not taken.cancelled():
        room.failed(session, None, taken.exception())


async def _send_history(room: Room, session: Session, person: Person, frame: HistoryAsk) -> None:
    if frame.channel.startswith("@"):
        page = await room.broker.conversation(person, frame.channel[1:], frame.before_id, frame.limit)
    else:
        page = await room.broker.history(frame.channel, frame.before_id, frame.limit)
    messages, complete = _fitting(page, person)
    session.send(History(frame.channel, messages, page.more or not complete, frame.nonce))


async def _send_report(room: Room, sent: Reports, session: Session, frame: ReportAsk, comment: str) -> None:
    reporter = _person(session)
    publication = reports.reportable(reporter, await room.broker.find(frame.msg_id))
    # Where the site is not sent any, none is kept.
    wanted = frame.context if room.welcome.webhooks.evidence else ()
    found = await room.broker.find_all(wanted) if wanted else []
    context = reports.context_lines(reporter, publication, wanted, found)
    evidence = reports.evidence(reporter, publication, frame.reason, comment, context)
    entry = await sent.submit(Submission(reporter, evidence, frame.nonce, frame.add))
    # Nothing comes between here and the commit, so that no later status can overtake this one.
    session.send(ReportStatus(entry, frame.nonce))


async def _send_reports(sent: Reports, session: Session, nonce: str) -> None:
    session.send(await sent.sent_by(_person(session), nonce))


async def _send_withdrawal(sent: Reports, session: Session, frame: Withdraw) -> None:
    session.send(ReportStatus(await sent.withdraw(_person(session), frame.report_id), frame.nonce))


async def _send_profile(profiles: Profiles, session: Session, username: str, nonce: str) -> None:
    text = await profiles.about(username)
    session.send(Profile(username, text.fields, nonce, text.headline, text.error))
