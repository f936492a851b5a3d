"""Digests of settings, by which servers that share a room find out that theirs differ, without showing them."""

import hashlib

import msgspec

from server.settings.model import Settings

OWN = {"Address", "Database", "TLS", "Metrics", "Log", "Logging"}
"""Settings that each server may have for itself."""


def digests(settings: Settings) -> dict[str, str]:
    """Return a digest of each setting that all servers should share. Secrets look alike."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(Settings)}
    return {key: _digest(getattr(settings, name)) for key, name in names.items() if key not in OWN}


def different(own: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the settings that differ; those that only a later version knows do not count."""
    return [key for key, digest in own.items() if other.get(key, digest) != digest]


def _digest(value: object) -> str:
    # The text of a secret is the same for all of them.
    return hashlib.blake2b(repr(value).encode(errors="surrogatepass"), digest_size=6).hexdigest()
