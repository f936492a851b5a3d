"""Composition root: the only place that picks implementations and joins them."""

from server.engine.base import Broker
from server.engine.local import LocalBroker
from server.gateway import Listener, http_app, serve
from server.handlers import HANDLERS
from server.protocol.frames import ChannelEntry, Limits, Webhooks, Welcome
from server.room import Room
from server.rules.reports import reason_list
from server.settings import Settings
from server.webhooks.client import WebhookClient
from server.webhooks.profiles import Profiles
from server.webhooks.reports import Reports


async def run(settings: Settings, listener: Listener) -> None:
    """Serve the room until the process is told to end; StorageError if the database cannot be used."""
    broker = LocalBroker(settings.database)
    client = WebhookClient()
    room = _room(settings, broker, client)
    try:
        await serve(http_app(room), listener)
        await room.drain()
    finally:
        await client.close()
        await broker.close()


def _room(settings: Settings, broker: Broker, client: WebhookClient) -> Room:
    report, profile = settings.webhook("report"), settings.webhook("profile")
    key = settings.admin_api_key
    return Room(
        handlers=HANDLERS,
        welcome=_welcome(settings, broker.epoch),
        channels=settings.public_channels,
        allowed_origins=settings.allowed_origins,
        broker=broker,
        reports=Reports(client, report.url, key) if report else None,
        profiles=Profiles(client, profile.url, key) if profile else None,
    )


def _welcome(settings: Settings, epoch: str) -> Welcome:
    return Welcome(
        epoch,
        settings.title,
        [ChannelEntry(channel.id, channel.name) for channel in settings.public_channels],
        Webhooks(report=settings.webhook("report") is not None, profile=settings.webhook("profile") is not None),
        reason_list(settings.report_reasons),
        Limits(),
        settings.website_url,
    )
