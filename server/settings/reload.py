"""Applies changed settings while a server runs."""

from typing import NamedTuple

import msgspec

from server.settings.model import Settings


class Renewed(NamedTuple):
    """The settings to continue with, and the keys whose change requires a restart."""

    settings: Settings
    waiting: list[str]


def renewed(running: Settings, fresh: Settings) -> Renewed:
    """Return the fresh settings, but with the running values of keys that require a restart."""
    waiting = []
    for field in ("address", "database"):
        if getattr(running, field) != getattr(fresh, field):
            waiting.append(field.title())
            fresh = msgspec.structs.replace(fresh, **{field: getattr(running, field)})
    if running.tls.on != fresh.tls.on:
        waiting.append("TLS")
        fresh = msgspec.structs.replace(fresh, tls=running.tls)
    return Renewed(fresh, waiting)
