"""The values that handlers and connections see, built from the settings at startup and at each reload."""

from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from server.handlers.live import Live
from server.protocol.frames import ChannelEntry, DirectMessages, Limits, Webhooks, Welcome
from server.rules import hosts
from server.rules.evidence import reason_list
from server.rules.filters import Filter, phrases
from server.rules.link_spam import LinkLimits
from server.settings import QUEUED_WEBHOOK, MessageFilter, Settings
from server.site import ActiveWebhooks
from server.storage.database import StoredRoom
from server.websocket.handler import ConnectionPolicy


def live_values(
    settings: Settings, stored: StoredRoom, webhooks: ActiveWebhooks, *, own_hosts: Iterable[str], has_certificate: bool
) -> Live:
    """Return the values; `own_hosts` are the hosts that the server listens on."""
    pages = [settings.website_url, *settings.allowed_origins]
    return Live(
        welcome=_welcome(settings, stored),
        channels=settings.public_channels,
        policy=ConnectionPolicy(
            allowed_origins=settings.allowed_origins,
            allowed_hosts=hosts.known(pages, [*own_hosts, *settings.allowed_hosts]),
            compression=settings.compression,
        ),
        site_keys=settings.admin_api_key,
        reports=webhooks.reports,
        profiles=webhooks.profiles,
        sign_in=settings.jwt,
        encrypted=has_certificate or bool(settings.limits.trusted_proxies),
        cors_hosts=[host.rstrip("/") for host in settings.cors_hosts],
        vip_secret=settings.vip.mutually_secret,
        blockable_operators=settings.blockable_admins,
        dm_context=any(hook.dm_context for hook in settings.webhooks(QUEUED_WEBHOOK)),
        keeps_direct=settings.direct_message_history.enabled,
        link_limits=_link_limits(settings),
        link_ban_hours=settings.dm_link_spam_protection.ban_hours,
        filters=[_filter(each) for each in settings.message_filters if each.enabled],
    )


def _link_limits(settings: Settings) -> LinkLimits | None:
    chosen = settings.dm_link_spam_protection
    own_site = urlsplit(settings.website_url).hostname or ""
    return LinkLimits(chosen.max_threads, chosen.time_limit, own_site) if chosen.enabled else None


def _filter(chosen: MessageFilter) -> Filter:
    return Filter(
        phrases=phrases(chosen.keyword_phrases),
        public=chosen.public_channels,
        private=chosen.private_channels,
        censor=chosen.censor_message,
        forward=chosen.forward_message,
        report=chosen.report_message,
        response=chosen.chat_server_response,
    )


def _welcome(settings: Settings, stored: StoredRoom) -> Welcome:
    reports = settings.webhooks(QUEUED_WEBHOOK)
    return Welcome(
        epoch=stored.epoch,
        title=settings.title,
        channels=[ChannelEntry(channel.id, channel.name) for channel in settings.public_channels if not channel.vip],
        webhooks=Webhooks(
            report=bool(reports),
            profile=settings.webhook("profile") is not None,
            evidence=any(hook.evidence for hook in reports),
        ),
        report_reasons=reason_list(settings.report_reasons),
        limits=Limits(settings.limits.frame_bytes),
        website=settings.website_url,
        direct_messages=DirectMessages(
            kept=settings.direct_message_history.enabled,
            days=settings.direct_message_history.retention_days,
            disclaimer=settings.direct_message_history.disclaimer_message,
        ),
        sign_in=settings.jwt.sign_in,
        landing_page=urljoin(settings.website_url, settings.jwt.landing_page_url) if settings.jwt.enabled else "",
        server=stored.server,
    )
