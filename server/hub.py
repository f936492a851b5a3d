"""The sessions of this node; frames a publication once and hands the bytes to everyone who reads it."""

from collections.abc import Sequence

from server.protocol.frames import Frame, WhoEntry
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

    def deliver(self, publications: Sequence[Publication]) -> None:
        """Hand each publication to all who may read it, in order."""
        for publication in publications:
            if publication.peer is None:
                self._deliver_to_all(publication)
            else:
                self._deliver_to_two(publication, publication.peer)

    def _deliver_to_all(self, publication: Publication) -> None:
        wire = framed(publication.frame_for(publication.author))
        for session in self.sessions.values():
            session.deliver(wire)

    def _deliver_to_two(self, publication: Publication, peer: Person) -> None:
        for person in {publication.author, peer}:
            session = self.find(person.name)
            # The name may have passed to somebody else since the message was sent.
            if session and session.person and session.person.identity == person.identity:
                session.deliver(framed(publication.frame_for(person)))
