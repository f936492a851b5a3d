"""Ranks: the consequences of entering the room with a rank, and of a change of rank."""

from server.handlers.dispatch import Dispatcher
from server.room.session import Session
from server.rules.ranks import Rank


def rank_changed(dispatcher: Dispatcher, session: Session, *, was_hidden: bool) -> None:
    """Send a person what their new rank lets them see, and everyone else the person's new entry."""
    lift_blocks(dispatcher, session)
    session.send(dispatcher.live.welcome_for(session.rank))
    dispatcher.hub.change_view(session)
    dispatcher.show_change(session, was_hidden=was_hidden)


def lift_blocks(dispatcher: Dispatcher, session: Session) -> None:
    """Lift earlier blocks against a person who is an operator now, unless the settings allow blocking operators."""
    blocks = dispatcher.people.relations.blocks_of(session.logged_in_person.identity)
    if session.rank is not Rank.OPERATOR or dispatcher.live.blockable_operators or not blocks:
        return

    def lifted(_: None) -> None:
        for one in blocks:
            dispatcher.notify(one.identity, dispatcher.relations_frame(one.identity))

    dispatcher.when_stored(session, dispatcher.people.end_relations(blocks), lifted)
