"""Commands of operators. A message of an operator that starts with a slash is never sent to the room."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from server.handlers import ranks
from server.handlers.dispatch import Dispatcher
from server.protocol import name_text
from server.protocol.codes import CloseCode, ErrorCode
from server.protocol.frames import CHAT_SERVER, Error, Say
from server.protocol.wording import counted
from server.room.present import Present
from server.room.session import Session
from server.rules import operator_commands
from server.rules.messages import Person
from server.rules.operator_commands import SIGN, BadCommand, OperatorCommand
from server.rules.ranks import Rank, rank_of
from server.rules.tokens import NO_CLAIMS
from server.storage.events import Banned, RankChanged, RemovalRequested, RoomRequest

Reply = Callable[[str], None]
KICKED, BANNED = "has been kicked from the room!", "has been banned!"
YOU_ARE_BANNED = "You are currently banned from entering the chat room. Your ban expires in {}."
NO_CAMERAS = "There are no webcams in this room."
GOING_DOWN = "The chat server is going down for a reboot NOW!"
REMOVED = "You have been removed from the room."
OTHERS_RELOAD = " The other servers of the room are reloading theirs as well; the result is in their logs."
LOG_IN_AGAIN = "An operator has asked everyone to log in again."


def is_command(session: Session, text: str) -> bool:
    """Return whether a message is a command. Two slashes at the beginning escape one."""
    return session.rank is Rank.OPERATOR and operator_commands.is_command(text)


def without_escape(session: Session, text: str) -> str:
    """Return the text of a message. An operator types two slashes for a text that starts with one."""
    return (
        text.replace(SIGN, "", 1) if session.rank is Rank.OPERATOR and text.lstrip().startswith(SIGN + SIGN) else text
    )


def run(dispatcher: Dispatcher, session: Session, frame: Say) -> None:
    """Carry out a command, and reply to the operator alone."""

    def reply(text: str) -> None:
        # A reply with the nonce resolves the message that the client shows as pending.
        channel = "" if frame.nonce or not session.dialect.explained else frame.channel
        session.send(Error(text, ErrorCode.NOTICE, CHAT_SERVER, frame.nonce, channel))

    command = operator_commands.parse(frame.message)
    if isinstance(command, BadCommand):
        reply(command.problem)
    else:
        _COMMANDS[command.name](dispatcher, session, command, reply)


def _found(dispatcher: Dispatcher, command: OperatorCommand, reply: Reply) -> Sequence[Present]:
    """Return the sessions, on all servers, of the person that a command names; reply if there are none."""
    named = dispatcher.hub.find(command.person)
    if named is None:
        reply(f"/{command.name}: username not found: {command.person}")
        return []
    return dispatcher.hub.present(named.logged_in_person.identity)


def refuse_banned(session: Session, remaining: str) -> None:
    """Refuse the login of a banned person; `remaining` is the rest of the ban, in words."""
    words = YOU_ARE_BANNED.format(remaining)
    session.error(ErrorCode.BANNED, words)
    session.close(CloseCode.REMOVED, words, reconnect=False)


def remove_banned(dispatcher: Dispatcher, banned: Banned) -> None:
    """Remove those on this server who logged in while their ban was being stored."""
    ban, hub = banned.ban, dispatcher.hub
    found, named = hub.sessions_of(ban.identity), hub.sessions.get(ban.key)
    if named and named not in found:
        found.append(named)
    for session in found:
        person = session.logged_in_person
        if remaining := dispatcher.people.ban_against(person):
            words = YOU_ARE_BANNED.format(remaining)
            remove(dispatcher, session, RemovalRequested(person.identity, "", words, BANNED, REMOVED))


def send_away(dispatcher: Dispatcher, identity: str, words: str, announced: str) -> None:
    """End all sessions of a person on all servers at once, and revoke their rights.

    `words` is the notice to the person, `announced` the text that others see.
    """
    removal = RemovalRequested(identity, "", words, announced, REMOVED)
    for session in dispatcher.hub.sessions_of(identity):
        remove(dispatcher, session, removal)
    if dispatcher.hub.others_of(identity):
        dispatcher.presence.announce(removal)


def remove(dispatcher: Dispatcher, session: Session, removal: RemovalRequested) -> None:
    """End a session on this server, and revoke its rights."""
    if removal.words:
        # BareRTC's clients do not show the reason in a `disconnect`.
        session.error(ErrorCode.NOTICE, removal.words)
    dispatcher.end(session, CloseCode.REMOVED, removal.reason, removal.announced)
    session.set_rank(Rank.PERSON)


def _kick(dispatcher: Dispatcher, session: Session, command: OperatorCommand, reply: Reply) -> None:
    found = _found(dispatcher, command, reply)
    if session in found:
        reply("/kick: did you really mean to kick yourself?")
        return
    words = f"You have been kicked from the chat room by {session.logged_in_person.name}"
    for identity in {each.logged_in_person.identity for each in found}:
        send_away(dispatcher, identity, words, KICKED)
    for each in found:
        reply(f"{each.logged_in_person.name} has been kicked from the room")


def _ban(dispatcher: Dispatcher, session: Session, command: OperatorCommand, reply: Reply) -> None:
    by, whole = session.logged_in_person, command.person
    request = operator_commands.ban_of(command, is_known=dispatcher.people.find(whole) is not None)
    if isinstance(request, BadCommand):
        reply(request.problem)
        return
    here = dispatcher.hub.find(request.name)
    known = here.logged_in_person if here else dispatcher.people.find(request.name)
    if known and known.identity == by.identity:
        reply("/ban: did you really mean to ban yourself?")
        return
    hours = counted(request.hours, "hour")
    words = f"You have been banned from the chat room by {by.name}. You may come back after {hours}."
    # Announced in the transaction of the ban: the person is removed even if this server stops right after it.
    removal = RemovalRequested(known.identity, "", words, BANNED, REMOVED) if known else None
    stored = dispatcher.people.ban(known or Person(request.name, ""), request.hours, by.name, removal)
    done = f"{known.name if known else request.name} has been banned from the room for {hours}."
    dispatcher.when_stored(session, stored, lambda _: reply(done))


def _unban(dispatcher: Dispatcher, session: Session, command: OperatorCommand, reply: Reply) -> None:
    ban = dispatcher.people.find_ban(command.person)
    if ban is None:
        reply(f"/unban: user {command.person} was not found to be banned. Try `/bans` to see current banned users.")
        return
    lifted = dispatcher.people.lift_ban(ban)
    dispatcher.when_stored(session, lifted, lambda _: reply(f"The ban on {ban.name} has been lifted."))


def _bans(dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, reply: Reply) -> None:
    lines = [f"- {name_text.quoted(ban.name)} {left}, by {ban.by}" for ban, left in dispatcher.people.current_bans()]
    reply("\n".join(["The listing of banned users currently includes:", *lines]) if lines else "Nobody is banned.")


def _op(dispatcher: Dispatcher, _session: Session, command: OperatorCommand, reply: Reply) -> None:
    for each in _change_rank(dispatcher, _found(dispatcher, command, reply), op=True):
        reply(f"Operator rights have been granted to {each.logged_in_person.name}")


def _deop(dispatcher: Dispatcher, _session: Session, command: OperatorCommand, reply: Reply) -> None:
    for each in _change_rank(dispatcher, _found(dispatcher, command, reply), op=False):
        reply(f"Operator rights have been taken from {each.logged_in_person.name}")


def _change_rank(dispatcher: Dispatcher, found: Sequence[Present], *, op: bool) -> Sequence[Present]:
    """Grant or revoke operator rights on all servers, and return the given sessions."""
    for identity in {each.logged_in_person.identity for each in found}:
        set_rank(dispatcher, identity, op=op)
        if dispatcher.hub.others_of(identity):
            dispatcher.presence.announce(RankChanged(identity, op))
    return found


def set_rank(dispatcher: Dispatcher, identity: str, *, op: bool) -> None:
    """Grant or revoke operator rights in the sessions of a person on this server."""
    for each in dispatcher.hub.sessions_of(identity):
        was_hidden = each.is_hidden
        each.set_rank(rank_of(op=op, vip=(each.claims or NO_CLAIMS).vip))
        ranks.rank_changed(dispatcher, each, was_hidden=was_hidden)


def _unmute_all(dispatcher: Dispatcher, session: Session, _command: OperatorCommand, reply: Reply) -> None:
    person, people = session.logged_in_person, dispatcher.people
    muted = [each for each in people.relations.of(person.identity) if not each.blocked]
    blocks = [] if dispatcher.live.blockable_operators else people.relations.blocks_of(person.identity)
    stored = people.end_relations([*muted, *blocks])

    def unmuted(_: None) -> None:
        reply(f"Your mute on {len(muted)} users has been lifted.")
        if muted:
            session.send(dispatcher.relations_frame(person.identity))

    dispatcher.when_stored(session, stored, unmuted)


def _kick_all(dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, _reply: Reply) -> None:
    dispatcher.presence.request(RoomRequest.DISCONNECT_ALL)
    disconnect_all(dispatcher)


def disconnect_all(dispatcher: Dispatcher) -> None:
    """Disconnect everyone on this server. Their clients log in again."""
    for each in [*dispatcher.hub.sessions.values()]:
        each.error(ErrorCode.NOTICE, LOG_IN_AGAIN)
        each.close(CloseCode.SERVICE_RESTART, LOG_IN_AGAIN, reconnect=True)


def _reconfigure(dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, reply: Reply) -> None:
    dispatcher.presence.request(RoomRequest.RELOAD)
    reply(dispatcher.reconfigure() + (OTHERS_RELOAD if dispatcher.presence.shared else ""))


def _shutdown(dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, _reply: Reply) -> None:
    dispatcher.presence.request(RoomRequest.SHUT_DOWN)
    announce_end(dispatcher)
    dispatcher.shut_down()


def announce_end(dispatcher: Dispatcher) -> None:
    """Notify everyone on this server that it is shutting down."""
    for each in dispatcher.hub.sessions.values():
        each.error(ErrorCode.NOTICE, GOING_DOWN)


def _no_cameras(_dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, reply: Reply) -> None:
    reply(NO_CAMERAS)


def _help(
    _dispatcher: Dispatcher, _session: Session, _command: OperatorCommand, reply: Reply, *, advanced: bool = False
) -> None:
    reply(operator_commands.listing(advanced=advanced))


_COMMANDS: Mapping[str, Callable[[Dispatcher, Session, OperatorCommand, Reply], None]] = {
    "kick": _kick, "ban": _ban, "unban": _unban, "bans": _bans, "unmute-all": _unmute_all, "nsfw": _no_cameras,
    "cut": _no_cameras, "help": _help, "help-advanced": partial(_help, advanced=True), "op": _op, "deop": _deop,
    "kickall": _kick_all, "reconfigure": _reconfigure, "shutdown": _shutdown,
}  # fmt: skip
