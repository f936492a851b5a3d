"""Ranks: the consequences of entering the room with a rank, and of a change of rank."""

from server.handlers.dispatch import Dispatcher
from server.room.session import Session
from server.rules.ranks import Rank


def rank_changed(dispatcher: Dispatcher, session: Session, *, was_hidden: bool) -> None:
    """Send a person what their new rank lets them see, and everyone else the person's new entry."""
    session.send(dispatcher.live.welcome_for(session.rank))
    dispatcher.hub.change_view(session)
    dispatcher.show_change(session, was_hidden=was_hidden)
    lift_blocks(dispatcher, session)


def lift_blocks(dispatcher: Dispatcher, session: Session) -> None:
    """Lift earlier blocks against a person who is an operator now, unless the settings allow blocking operators."""
    if session.rank is not Rank.OPERATOR or dispatcher.live.blockable_operators:
        return
    identity = session.logged_in_person.identity
    blocks = dispatcher.people.relations.blocks_of(identity)

    def lifted(_: None) -> None:
        for one in blocks:
            dispatcher.notify(one.identity, dispatcher.relations_frame(one.identity))
        if dispatcher.people.relations.blocks_of(identity):
            # Another server stored these before it heard of the operator.
            lift_blocks(dispatcher, session)

    if blocks or dispatcher.presence.shared:
        dispatcher.when_stored(session, dispatcher.people.end_relations(blocks), lifted)


def spare_operator(dispatcher: Dispatcher, session: Session, other: str) -> None:
    """End a block of the user that has just been stored, if the other person has become an operator meanwhile."""
    if dispatcher.live.blockable_operators or not dispatcher.hub.is_operator(other):
        return
    identity = session.logged_in_person.identity
    blocks = [each for each in dispatcher.people.relations.of(identity) if each.blocked and each.other == other]

    def ended(_: None) -> None:
        dispatcher.notify(identity, dispatcher.relations_frame(identity))

    dispatcher.when_stored(session, dispatcher.people.end_relations(blocks), ended)
