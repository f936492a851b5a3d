"""Detects links that a user sends to many people in direct messages."""

from collections import OrderedDict
from enum import Enum, auto
from typing import NamedTuple
from urllib.parse import urlsplit

from server.protocol.links import bare_links

MAX_REMEMBERED = 20_000
"""Maximum number of pairs of a person and a host to remember; beyond that, the oldest are forgotten."""
REASON = "Spam Detected"
KICKED = "The user was **kicked** from the room with a warning."
BANNED = "The user was **banned** from chat."
WARNING = (
    "Spam detected: you sent a link to too many people, so you were removed from the room. You may come back, but if"
    " you send it to one more person, you may be banned."
)
BAN = "Spam detected: after a warning, you sent the link to one more person, so you are banned."


class SpamConsequence(Enum):
    """The consequence of link spam for its author."""

    KICK = auto()
    BAN = auto()


class LinkLimits(NamedTuple):
    """The number of people to whom a user may send links to one host within `seconds`."""

    people: int
    seconds: float
    own_site: str = ""
    """The host of the site that runs the room; links to it do not count."""


class _Sent(NamedTuple):
    recipients: dict[str, float]
    """When each recipient last received such a link."""
    warned_at: float | None = None


def hosts_in(text: str) -> set[str]:
    """Return the hosts of the links in a text."""
    found = {urlsplit(link.href).hostname or "" for line in text.split("\n") for link in bare_links(line)}
    return {host.removeprefix("www.") for host in found} - {""}


class LinkCounter:
    """Counts, for each person and host, the people to whom they sent links."""

    def __init__(self) -> None:
        self._sent: OrderedDict[tuple[str, str], _Sent] = OrderedDict()

    def count(self, author: str, recipient: str, text: str, limits: LinkLimits, now: float) -> SpamConsequence | None:
        """Count a direct message between two identities; return the most severe consequence of its links, or None."""
        own = limits.own_site.removeprefix("www.")
        found = [self._count((author, host), recipient, limits, now) for host in hosts_in(text) - {own}]
        return next((each for each in (SpamConsequence.BAN, SpamConsequence.KICK) if each in found), None)

    def _count(self, key: tuple[str, str], recipient: str, limits: LinkLimits, now: float) -> SpamConsequence | None:
        before = self._sent.pop(key, _Sent({}))
        since = now - limits.seconds
        recipients = {each: at for each, at in before.recipients.items() if at > since} | {recipient: now}
        warned = before.warned_at if before.warned_at is not None and before.warned_at > since else None
        consequence = None
        if warned is not None and recipient not in before.recipients:
            consequence = SpamConsequence.BAN
        elif warned is None and len(recipients) > limits.people:
            consequence, warned = SpamConsequence.KICK, now
        self._sent[key] = _Sent(recipients, warned)
        if len(self._sent) > MAX_REMEMBERED:
            self._sent.popitem(last=False)
        return consequence


def report_message(author: str, recipient: str, text: str) -> str:
    """Return the text of the report to the site, as in BareRTC."""
    return f"_In a DM to:_ @{recipient}\n[{author}] {text}"
