"""The sessions of this node; frames a publication once and hands the bytes to everyone who reads it."""

from server.engine.base import News
from server.protocol.frames import Frame, Reacted, Takeback, WhoEntry
from server.rules import names
from server.rules.publications import Person
from server.rules.relations import Relations
from server.session import Session, framed


class Hub:
    """Who is in the room, by the key of their name."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self.sessions: dict[str, Session] = {}

    def join(self, session: Session, person: Person) -> None:
        """Put a session in; it takes the place of one of the same name."""
        self.sessions[names.key(person.name)] = session

    def leave(self, session: Session) -> Person | None:
        """Take a session out; the person who left the room by it, if somebody did."""
        person = session.person
        if person is None or self.sessions.get(names.key(person.name)) is not session:
            return None
        del self.sessions[names.key(person.name)]
        return person

    def find(self, name: str) -> Session | None:
        """The session of a name, if that person is here."""
        return self.sessions.get(names.key(name))

    def names(self) -> list[str]:
        """The names of everyone who is here."""
        return [session.person.name for session in self.sessions.values() if session.person]

    def who_list(self, reader: Person) -> list[WhoEntry]:
        """Everyone whom this person sees, in the order in which they came."""
        apart = self._relations.apart_from(reader.identity)
        return [
            session.who_entry(session.person)
            for session in self.sessions.values()
            if session.person and session.person.identity not in apart
        ]

    def broadcast(self, frame: Frame, about: Person, but: Session | None = None) -> None:
        """Send one frame about a person to everyone who sees them, or to all of those but one."""
        apart = self._relations.apart_from(about.identity)
        wire = framed(frame)
        for session in self.sessions.values():
            if session is not but and (not apart or _identity(session) not in apart):
                session.write(wire)

    def deliver(self, news: News) -> None:
        """Hand news of a message to all who may read it; those who do not read its author hear nothing."""
        author, peer = news.publication.author, news.publication.peer
        acting = news.reaction.person.identity if news.reaction else author.identity
        unread = self._relations.unread_by(author.identity)
        if acting != author.identity:
            unread = {*unread, *self._relations.unread_by(acting)}
        if peer is None:
            wire = framed(_frame(news, author))
            for session in self.sessions.values():
                if not unread or _identity(session) not in unread:
                    session.deliver(wire)
            return
        for person in {author, peer}:
            there = self.find(person.name)
            # The name may have passed to somebody else since the message was sent.
            if there and _identity(there) == person.identity and person.identity not in unread:
                there.deliver(framed(_frame(news, person)))

    def sessions_of(self, identity: str) -> list[Session]:
        """Where a person is, by whatever names."""
        return [each for each in self.sessions.values() if each.person and each.person.identity == identity]


def _frame(news: News, person: Person) -> Frame:
    if news.reaction:
        by = news.reaction
        return Reacted(news.publication.msg_id, by.person.name, by.emoji, by.remove)
    if news.publication.taken_back:
        return Takeback(news.publication.msg_id)
    return news.publication.frame_for(person)


def _identity(session: Session) -> str:
    return session.person.identity if session.person else ""
