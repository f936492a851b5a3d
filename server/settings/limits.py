"""The limits per user and per address."""

from typing import Annotated

import msgspec
from msgspec import Meta

from server.protocol.frames import MAX_FRAME_BYTES
from server.settings.reload_effect import NEW


class RoomLimits(msgspec.Struct, frozen=True, rename="pascal"):
    """Limits per user and per address. 0: no limit."""

    connections_per_address: Annotated[
        int, Meta(extra=NEW, ge=0, description="Concurrent connections per address (IPv6: per /64 network).")
    ] = 16
    new_connections_per_10_minutes: Annotated[
        int, Meta(extra=NEW, ge=0, description="New connections per address within 10 minutes.")
    ] = 32
    requests_per_minute: Annotated[
        int,
        Meta(
            ge=0,
            description="HTTP requests per address within a minute, including websocket handshakes. Twice as many TCP"
            " connections are accepted.",
        ),
    ] = 120
    logins_per_minute: Annotated[int, Meta(ge=0, description="Login attempts per address within a minute.")] = 20
    messages_burst: Annotated[
        int,
        Meta(
            ge=1,
            description="Messages that a user may send at once (at least 1); every change, such as a reaction or a"
            " report, counts as one. More are delayed by up to 5 s, then refused.",
        ),
    ] = 10
    messages_per_second: Annotated[
        float,
        Meta(ge=0, description="Messages and other changes per second that a user may send on average."),
    ] = 2.0
    pages_burst: Annotated[
        int,
        Meta(
            ge=1,
            description="Pages of 50 older messages that a user may request at once (at least 1); a search counts as"
            " several. More are delayed by up to 5 s, then refused. Per address: four times as many.",
        ),
    ] = 100
    pages_per_second: Annotated[
        float,
        Meta(
            ge=0,
            description="Pages per second that a user may request on average. Per address: four times as many.",
        ),
    ] = 5.0
    stored_kilobytes_per_day: Annotated[
        int,
        Meta(
            ge=0,
            description="Kilobytes of disk space for a user's messages and reactions within a day, and as many for"
            " their reports. Per address: four times as many.",
        ),
    ] = 16384
    free_megabytes: Annotated[
        int,
        Meta(
            ge=0,
            description="Free disk space in megabytes below which messages, edits and reactions are refused; only with"
            " a SQLite file.",
        ),
    ] = 64
    bytes_per_second: Annotated[
        int,
        Meta(
            ge=0,
            description="Bytes per second read from a connection, where each frame counts as 512 more; up to four times"
            " as many at once.",
        ),
    ] = 65536
    reports_per_hour: Annotated[
        int,
        Meta(
            ge=0,
            description="Reports, and additions to reports, per user within an hour. Per address: four times as many.",
        ),
    ] = 20
    profiles_per_minute: Annotated[int, Meta(ge=0, description="Profiles that a user may request within a minute.")] = (
        30
    )
    frame_bytes: Annotated[
        int,
        Meta(ge=0, description="Maximum size of a frame in bytes (at least 500); a larger one closes its connection."),
    ] = MAX_FRAME_BYTES
    exempt_addresses: Annotated[
        tuple[str, ...],
        Meta(
            extra=NEW,
            description="Addresses and networks that are exempt from the limits per address, except that of wrong API"
            " keys.",
        ),
    ] = ("127.0.0.0/8", "::1")
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(extra=NEW, description='Proxies whose X-Forwarded-For header is trusted, like "10.0.0.0/8".'),
    ] = ()
