"""Messages: send, edit, delete, react, typing, history and search."""

from contextlib import suppress
from functools import partial

from server.handlers import filtering, link_spam, operators
from server.handlers.dispatch import Dispatcher
from server.handlers.filtering import Filtered
from server.handlers.pages import fit_messages
from server.protocol import name_text, target
from server.protocol.codes import ErrorCode
from server.protocol.frames import (
    Edit,
    History,
    HistoryRequest,
    React,
    Say,
    SearchRequest,
    SearchResults,
    Takeback,
    Typing,
)
from server.room.session import Session, framed
from server.rules import messages as message_rules
from server.rules import names, reactions
from server.rules import search as searching
from server.rules.messages import Keeping, MessageDraft, Person
from server.rules.reactions import ReactionChange
from server.rules.refusal import Refusal
from server.storage.base import Published, Search


def say(dispatcher: Dispatcher, session: Session, frame: Say) -> None:
    """Publish a message. Its author receives it with its msgID as the acknowledgement."""
    if operators.is_command(session, frame.message):
        operators.run(dispatcher, session, frame)
        return
    dispatcher.check_disk()
    author = session.logged_in_person
    text = message_rules.check_text(operators.without_escape(session, frame.message))
    name = target.name_of(frame.channel)
    if not frame.channel:
        raise Refusal(ErrorCode.UNKNOWN_CHANNEL, "The message names no channel. Send it to a channel or a person.")
    peer = None if name is None else _peer(dispatcher, author, name)
    channel = "" if peer else dispatcher.channel(session, frame.channel).id
    if link_spam.stops(dispatcher, session, text, peer, frame.nonce):
        return
    filtered = filtering.apply(dispatcher, session, text, peer)
    verdict = filtered.verdict
    keeping = _keeping(dispatcher, peer) if peer else Keeping.RECORDED
    draft = MessageDraft(author, channel, peer, verdict.text, frame.nonce, not verdict.forward, keeping)
    published = dispatcher.broker.publish(draft, filtered.recorder)
    dispatcher.when_stored(
        session, published, partial(_after_publish, dispatcher, session, frame, filtered), frame.nonce
    )


def takeback(dispatcher: Dispatcher, session: Session, frame: Takeback) -> None:
    """Delete a message for everyone: the user's own, or any if the user is an operator. Evidence still contains it."""
    person = session.logged_in_person
    dispatcher.when_stored(session, dispatcher.broker.take_back(frame.msg_id, person, dispatcher.access(session)))


def edit(dispatcher: Dispatcher, session: Session, frame: Edit) -> None:
    """Replace the text of the user's own message for everyone who can read it. Evidence contains all versions."""
    dispatcher.check_disk()
    person, text = session.logged_in_person, message_rules.check_text(frame.message)
    if dispatcher.live.filters or dispatcher.live.link_limits:
        editing = filtering.edit(dispatcher, session, frame, text)
        dispatcher.start_task(session, editing, frame.nonce, lasting=True)
        return
    edited = dispatcher.broker.edit(frame.msg_id, person, text, dispatcher.access(session))
    dispatcher.when_stored(session, edited, nonce=frame.nonce)


def react(dispatcher: Dispatcher, session: Session, frame: React) -> None:
    """Add or remove a reaction, and broadcast it to everyone who can read the message."""
    if not frame.remove:
        dispatcher.check_disk()
    change = ReactionChange(frame.msg_id, session.logged_in_person, reactions.check_emoji(frame.message), frame.remove)
    dispatcher.when_stored(session, dispatcher.broker.react(change, dispatcher.access(session)))


def typing(dispatcher: Dispatcher, session: Session, frame: Typing) -> None:
    """Notify the recipient of a direct message, if present, that the author is typing; at most once every few seconds.

    Hidden operators are never announced.
    """
    author, name = session.logged_in_person, target.name_of(frame.channel)
    if session.is_hidden:
        return
    with suppress(Refusal):
        # If the author may not write to the peer, neither of them is notified.
        peer = _peer(dispatcher, author, name or "")
        if peer.identity in dispatcher.people.relations.muted_by(author.identity):
            return
        if dispatcher.hub.is_here(peer.identity) and dispatcher.limiter.may_notify(author.identity, peer.identity):
            dispatcher.notify(peer.identity, Typing(target.conversation(author.name)), lossy=True)


def history(dispatcher: Dispatcher, session: Session, frame: HistoryRequest) -> None:
    """Send a page of messages of a channel or conversation."""
    if not target.is_conversation(frame.channel):
        dispatcher.channel(session, frame.channel)
    dispatcher.start_task(session, _send_history(dispatcher, session, frame), frame.nonce)


def search(dispatcher: Dispatcher, session: Session, frame: SearchRequest) -> None:
    """Send the messages that match the query."""
    if frame.mentions:
        query = searching.mentioning(session.logged_in_person.name, frame.query, frame.utc_offset)
    else:
        query = searching.query(frame.query, frame.utc_offset)
    channel = frame.channel if query.place is None else _place(dispatcher, session, query.place)
    wanted = Search(query, channel, frame.before_id, frame.limit)
    dispatcher.start_task(session, _send_search_results(dispatcher, session, frame.nonce, wanted), frame.nonce)


def _place(dispatcher: Dispatcher, session: Session, named: str) -> str:
    """Return the channel or conversation with this ID or name. Raises Refusal if there is no such channel."""
    if target.is_conversation(named):
        return named
    key = searching.fold(named.removeprefix("#"))
    for channel in dispatcher.live.channels_for(session.rank):
        if key in {searching.fold(channel.id), searching.fold(channel.name)}:
            return channel.id
    raise Refusal(
        ErrorCode.UNKNOWN_CHANNEL, f"There is no channel {name_text.quoted(named)}. Correct the name after “in:”."
    )


def _peer(dispatcher: Dispatcher, author: Person, name: str) -> Person:
    """Return the recipient of a direct message, present or away.

    It may be the author: a note to themselves. Raises Refusal if the recipient is unknown, or does not accept direct
    messages.
    """
    recipient = dispatcher.hub.find(name)
    peer = recipient.logged_in_person if recipient else dispatcher.people.find(name)
    if peer and peer.identity == author.identity:
        return peer
    # To a blocked author, the recipient looks like someone who was never here.
    if peer is None or peer.identity in dispatcher.people.relations.blocked_with(author.identity):
        raise names.unknown(name)
    if any(each.dnd and not each.is_hidden for each in dispatcher.hub.present(peer.identity)):
        raise Refusal(
            ErrorCode.DO_NOT_DISTURB, f"{name_text.quoted(peer.name)} isn't accepting direct messages right now."
        )
    return peer


def _keeping(dispatcher: Dispatcher, peer: Person) -> Keeping:
    """Return how long a direct message to this person is stored."""
    if dispatcher.live.keeps_direct:
        return Keeping.RECORDED
    return Keeping.IN_MEMORY if dispatcher.hub.is_here(peer.identity) else Keeping.UNTIL_DELIVERED


def _after_publish(
    dispatcher: Dispatcher, session: Session, frame: Say, filtered: Filtered, published: Published
) -> None:
    publication = published.publication
    if published.fresh:
        filtered.respond(session, frame.channel)
    if published.fresh and published.withheld:
        message = publication.frame_for(publication.author)
        for each in dispatcher.hub.sessions_of(publication.author.identity):
            each.deliver(framed(message))
        dispatcher.presence.send(publication.author.identity, message)
    # A resent message is not delivered twice, but its author still needs the acknowledgement. It must not overtake
    # earlier messages: after a lost connection the client would believe that it has them.
    if not published.fresh and session.person:
        session.deliver(framed(publication.frame_for(session.person)))


async def _send_history(dispatcher: Dispatcher, session: Session, frame: HistoryRequest) -> None:
    reader, forward = dispatcher.reader(session), frame.after_id is not None
    if frame.after_id is not None:
        page = await dispatcher.broker.following(reader, frame.channel, frame.after_id, frame.before_id, frame.limit)
    else:
        page = await dispatcher.broker.history(reader, frame.channel, frame.before_id, frame.limit)
    messages, complete = fit_messages(page, reader.person, oldest=forward)
    session.send(History(frame.channel, messages, page.more or not complete, frame.nonce))


async def _send_search_results(dispatcher: Dispatcher, session: Session, nonce: str, search: Search) -> None:
    reader = dispatcher.reader(session)
    found = await dispatcher.broker.search(reader, search)
    messages, complete = fit_messages(found.page, reader.person)
    session.send(SearchResults(messages[::-1], found.page.more or not complete, nonce, found.searched_to))
