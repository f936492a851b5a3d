"""The sessions of this node; frames a publication once and hands the bytes to everyone who reads it."""

from server.protocol.frames import Frame, Takeback, WhoEntry
from server.rules import names
from server.rules.publications import Person, Publication
from server.session import Session, framed


class Hub:
    """Who is in the room, by the key of their name."""

    def __init__(self) -> None:
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

    def who_list(self) -> list[WhoEntry]:
        """Everyone in the room, in the order in which they came."""
        return [session.who_entry(session.person) for session in self.sessions.values() if session.person]

    def broadcast(self, frame: Frame, but: Session | None = None) -> None:
        """Send one frame to everyone, or to everyone but one."""
        wire = framed(frame)
        for session in self.sessions.values():
            if session is not but:
                session.write(wire)

    def deliver(self, publication: Publication) -> None:
        """Hand a publication, or that it was taken back, to all who may read it."""
        if publication.peer is None:
            wire = framed(_news(publication, publication.author))
            for session in self.sessions.values():
                session.deliver(wire)
            return
        for person in {publication.author, publication.peer}:
            there = self.find(person.name)
            # The name may have passed to somebody else since the message was sent.
            if there and there.person and there.person.identity == person.identity:
                there.deliver(framed(_news(publication, person)))

    def sessions_of(self, identity: str) -> list[Session]:
        """Where a person is, by whatever names."""
        return [each for each in self.sessions.values() if each.person and each.person.identity == identity]


def _news(publication: Publication, person: Person) -> Frame:
    return Takeback(publication.msg_id) if publication.taken_back else publication.frame_for(person)
