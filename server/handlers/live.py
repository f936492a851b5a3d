"""The values that a reload of the settings replaces."""

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
from server.websocket.handler import ConnectionPolicy


@dataclass(frozen=True, kw_only=True)
class Live:
    """Values that a reload replaces in a single assignment, so that no handler sees a mix of old and new ones."""

    welcome: Welcome
    channels: Sequence[PublicChannel]
    policy: ConnectionPolicy
    site_keys: ApiKeys = field(default_factory=ApiKeys)
    """Keys that authenticate calls from the site."""
    reports: ReportDesk | None = None
    """The desk that accepts reports; None if no report webhook is on."""
    profiles: Profiles | None = None
    """The client that fetches profiles; None if no profile webhook is on."""
    dm_context: bool = False
    """Reports of direct messages contain the last messages of the conversation."""
    link_limits: LinkLimits | None = None
    """Limits on links in direct messages; None if there are none."""
    link_ban_hours: int = 0
    filters: Sequence[Filter] = ()
    """The filters that are on, in order."""
    sign_in: JWT = field(default_factory=JWT)
    """Whether members of the site sign in with a token, and whether only they may enter."""
    encrypted: bool = False
    """Clients connect with TLS, to this server or to a trusted proxy in front of it."""
    cors_hosts: Sequence[str] = ()
    """Origins of pages that may read the statistics."""
    vip_secret: bool = False
    """Only VIPs and operators see who is a VIP."""
    blockable_operators: bool = False
    keeps_direct: bool = True
    """Direct messages are still stored after they have been delivered."""

    @cached_property
    def vip_channels(self) -> frozenset[str]:
        """The channels that only VIPs and operators can read."""
        return frozenset(channel.id for channel in self.channels if channel.vip)

    @cached_property
    def _open_channels(self) -> Sequence[PublicChannel]:
        return [channel for channel in self.channels if not channel.vip]

    def channels_for(self, rank: Rank) -> Sequence[PublicChannel]:
        """Return the channels that a person of this rank can read."""
        return self.channels if rank >= Rank.VIP else self._open_channels

    def welcome_for(self, rank: Rank) -> Welcome:
        """Return the welcome with the channels for this rank; `welcome` itself is sent before the login."""
        if not self.vip_channels or rank < Rank.VIP:
            return self.welcome
        return structs.replace(self.welcome, channels=[ChannelEntry(each.id, each.name) for each in self.channels])
