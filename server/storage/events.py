"""What servers hear of once it is committed, see `Database.hear`."""

from typing import NamedTuple

from server.rules.messages import Publication
from server.rules.reactions import ReactionChange


class StoredChange(NamedTuple):
    """A message was stored, edited or deleted, or its reactions changed."""

    publication: Publication
    reaction: ReactionChange | None = None
    edited: bool = False


Event = StoredChange
