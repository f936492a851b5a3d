"""The rules for reactions to a message."""

from typing import NamedTuple

import emoji

from server.protocol.codes import ErrorCode
from server.rules.messages import MessageAccess, Person, Publication, readable
from server.rules.refusal import Refusal

MAX_EMOJI = 20
"""Maximum number of different emoji on a message."""
MAX_REACTIONS = 500
"""Maximum number of reactions to a message. Each adds a name to the message, which must fit into one page."""


class ReactionChange(NamedTuple):
    """The addition or removal of a person's reaction to a message."""

    msg_id: int
    person: Person
    emoji: str
    remove: bool


def check_emoji(text: str) -> str:
    """Return the emoji. Raises Refusal unless it is exactly one."""
    if not emoji.is_emoji(text):
        raise Refusal(ErrorCode.BAD_REACTION, "A reaction is one emoji.")
    return text


def check_reaction(publication: Publication | None, change: ReactionChange, access: MessageAccess) -> Publication:
    """Return the message if the person may change their reaction to it.

    Raises Refusal if they cannot read it, if it was deleted, or if it already has the maximum number of reactions.
    """
    found = readable(publication, change.person, access)
    if found.taken_back:
        raise Refusal(ErrorCode.UNKNOWN_MESSAGE, "This message was deleted, so it has no reactions any more.")
    there = {reaction.emoji for reaction in found.reactions}
    if not change.remove and change.emoji not in there and len(there) >= MAX_EMOJI:
        raise Refusal(
            ErrorCode.BAD_REACTION, f"This message already has {MAX_EMOJI} different emoji. Choose one of them."
        )
    if not change.remove and sum(len(each.usernames) for each in found.reactions) >= MAX_REACTIONS:
        raise Refusal(
            ErrorCode.BAD_REACTION, f"This message already has {MAX_REACTIONS} reactions, which is the limit."
        )
    return found
