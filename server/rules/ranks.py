"""The ranks of people in the room. Each rank includes the rights of the one before it."""

from enum import IntEnum


class Rank(IntEnum):
    """The rights of a session, from fewest to most."""

    PERSON = 0
    VIP = 1
    """May read and write in VIP channels."""
    OPERATOR = 2
    """May also remove people and messages, be hidden, and see others who are hidden."""


def rank_of(*, op: bool, vip: bool) -> Rank:
    """Return the rank of a member by the site's claims."""
    return Rank.OPERATOR if op else Rank.VIP if vip else Rank.PERSON
