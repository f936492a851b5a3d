"""What a reload of the settings replaces."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from msgspec import structs

from server.protocol.frames import ChannelEntry, Welcome
from server.reporting.desk import ReportDesk
from server.rules.filters import Filter
from server.rules.link_spam import LinkLimits
from server.rules.ranks import Rank
from server.settings import JWT, ApiKeys, PublicChannel
from server.webhooks.profiles import Profiles
from server.websocket.connection import ConnectionPolicy


@dataclass(frozen=True, kw_only=True)
class Live:
    """Everything that a reload replaces, all in one assignment, so that no handler sees half of it."""

    welcome: Welcome
    channels: Sequence[PublicChannel]
    policy: ConnectionPolicy
    site_keys: ApiKeys = field(default_factory=ApiKeys)
    """Keys that authenticate calls from the site."""
    reports: ReportDesk | None = None
    """Accepts reports; None if the webhook is off."""
    profiles: Profiles | None = None
    """Fetches profiles; None if the webhook is off."""
    dm_context: bool = False
    """Reports of direct messages have the last messages of the conversation."""
    link_limits: LinkLimits | None = None
    """Limits of links in direct messages; None if they are not counted."""
    link_ban_hours: int = 0
    filters: Sequence[Filter] = ()
    """The filters that are on, in order."""
    sign_in: JWT = field(default_factory=JWT)
    """Whether members of the site sign in with a token, and whether only they may enter."""
    encrypted: bool = False
    """The server has a certificate, or a proxy in front of it has."""
    cors_hosts: Sequence[str] = ()
    """Origins of pages that may read the statistics."""
    vip_secret: bool = False
    """Only VIPs and operators see who is a VIP."""
    blockable_operators: bool = False
    keeps_direct: bool = True
    """Direct messages are kept, and not only delivered."""

    @cached_property
    def vip_channels(self) -> frozenset[str]:
        """The channels that only VIPs and operators can read."""
        return frozenset(channel.id for channel in self.channels if channel.vip)

    @cached_property
    def _open_channels(self) -> Sequence[PublicChannel]:
        return [channel for channel in self.channels if not channel.vip]

    def channels_for(self, rank: Rank) -> Sequence[PublicChannel]:
        """Return the channels that somebody of this rank can read."""
        return self.channels if rank >= Rank.VIP else self._open_channels

    def welcome_for(self, rank: Rank) -> Welcome:
        """Return the welcome that lists the channels for this rank; `welcome` is the one from before the login."""
        if not self.vip_channels or rank < Rank.VIP:
            return self.welcome
        return structs.replace(self.welcome, channels=[ChannelEntry(each.id, each.name) for each in self.channels])
