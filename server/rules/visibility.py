"""The view that users have of each other: hidden operators are missing, and who is a VIP may be secret."""

from typing import NamedTuple

from msgspec.structs import replace

from server.protocol.frames import Presence, WhoEntry
from server.rules.ranks import Rank
from server.rules.statuses import HIDDEN

GONE, JOINED = "has exited the room!", "has joined the room!"


class View(NamedTuple):
    """A user's view of others."""

    hidden: bool
    """Whether the user sees hidden operators."""
    vips: bool
    """Whether the user sees who is a VIP."""


def view_of(rank: Rank, *, vips_are_secret: bool) -> View:
    """Return the view of a user of this rank."""
    return View(rank is Rank.OPERATOR, rank >= Rank.VIP or not vips_are_secret)


def entry_for(view: View, entry: WhoEntry) -> WhoEntry | None:
    """Return an entry as it looks in this view; None if it is hidden."""
    if entry.status == HIDDEN and not view.hidden:
        return None
    return replace(entry, vip=False) if entry.vip and not view.vips else entry


def presence_for(view: View, presence: Presence, *, was_hidden: bool) -> Presence | None:
    """Return a change as it looks in this view, where hiding looks like leaving; None if it is hidden."""
    if presence.who is None:
        return presence if view.hidden or not was_hidden else None
    entry = entry_for(view, presence.who)
    if entry is None:
        return None if was_hidden else Presence(presence.username, GONE)
    message = JOINED if was_hidden and not view.hidden else presence.message
    return Presence(presence.username, message, entry)
