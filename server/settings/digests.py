"""Digests of settings: servers that share a room compare them without revealing the settings themselves."""

import hashlib

import msgspec

from server.settings.model import Settings

OWN = {"Address", "Database", "TLS", "Metrics", "Log", "Logging"}
"""Settings that may differ between servers."""


def digests(settings: Settings) -> dict[str, str]:
    """Return a digest of each setting that all servers should share. The text of a secret does not affect it."""
    names = {field.encode_name: field.name for field in msgspec.structs.fields(Settings)}
    return {key: _digest(getattr(settings, name)) for key, name in names.items() if key not in OWN}


def different(own: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the settings that differ; ignore those that only one of the two versions knows."""
    return [key for key, digest in own.items() if other.get(key, digest) != digest]


def _digest(value: object) -> str:
    # The repr of every secret is the same.
    return hashlib.blake2b(repr(value).encode(errors="surrogatepass"), digest_size=6).hexdigest()
