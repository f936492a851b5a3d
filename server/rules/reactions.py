"""What may stand under a message."""

from collections.abc import Container
from typing import NamedTuple

import emoji

from server.protocol.codes import ErrorCode
from server.rules.messages import Person, Publication
from server.rules.refusal import Refusal

MAX_EMOJI = 20
"""Different ones under one message."""
MAX_REACTIONS = 500
"""Under one message: each is a name wherever it is shown, and a page of messages has to hold one at least."""


class ReactionChange(NamedTuple):
    """A person puts an emoji under a message, or takes it away."""

    msg_id: int
    person: Person
    emoji: str
    remove: bool


def check_emoji(text: str) -> str:
    """The emoji. Refusal if it is none, or more than one."""
    if not emoji.is_emoji(text):
        raise Refusal(ErrorCode.BAD_REACTION, "A reaction is one emoji.")
    return text


def check_reaction(publication: Publication | None, change: ReactionChange, apart: Container[str]) -> Publication:
    """The message. Refusal if it is not there for this person, who is apart from these, or enough stands under it."""
    if publication is None or publication.taken_back or not publication.readable_by(change.person, apart):
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "There is no such message here.")
    there = {reaction.emoji for reaction in publication.reactions}
    if not change.remove and change.emoji not in there and len(there) >= MAX_EMOJI:
        raise Refusal(
            ErrorCode.BAD_REACTION, f"A message takes {MAX_EMOJI} different reactions; use one of those there."
        )
    if not change.remove and sum(len(each.usernames) for each in publication.reactions) >= MAX_REACTIONS:
        raise Refusal(ErrorCode.BAD_REACTION, f"A message takes {MAX_REACTIONS} reactions; it has as many.")
    return publication
