"""Which settings can change while a server runs."""

from typing import NamedTuple

import msgspec

from server.settings.model import Settings


class Renewed(NamedTuple):
    """Settings to go on with, and the keys whose change has to wait for the next start."""

    settings: Settings
    waiting: list[str]


def renewed(running: Settings, fresh: Settings) -> Renewed:
    """The fresh settings, but with what cannot change as it is in the running ones."""
    waiting = []
    for field in ("address", "database"):
        if getattr(running, field) != getattr(fresh, field):
            waiting.append(field.title())
            fresh = msgspec.structs.replace(fresh, **{field: getattr(running, field)})
    if running.tls.on != fresh.tls.on:
        waiting.append("TLS")
        fresh = msgspec.structs.replace(fresh, tls=running.tls)
    return Renewed(fresh, waiting)
