"""Reads settings.toml into frozen, typed settings. An error is one line: where, what is wrong, and what to do."""

from server.settings.file import BARERTC_ONLY, DEFAULT_FILE, LoadedSettings, defaults, load, parse
from server.settings.model import (
    KEY_VARIABLE,
    QUEUED_WEBHOOK,
    TLS,
    WEBHOOK_NAMES,
    Log,
    Names,
    PublicChannel,
    Renewed,
    RoomLimits,
    Settings,
    SettingsError,
    WebhookSecurity,
    WebhookURL,
    renewed,
)
from server.settings.secret import ApiKeys, Secret, SigningSecret, SigningSecrets

__all__ = [
    "BARERTC_ONLY",
    "DEFAULT_FILE",
    "KEY_VARIABLE",
    "QUEUED_WEBHOOK",
    "TLS",
    "WEBHOOK_NAMES",
    "ApiKeys",
    "LoadedSettings",
    "Log",
    "Names",
    "PublicChannel",
    "Renewed",
    "RoomLimits",
    "Secret",
    "Settings",
    "SettingsError",
    "SigningSecret",
    "SigningSecrets",
    "WebhookSecurity",
    "WebhookURL",
    "defaults",
    "load",
    "parse",
    "renewed",
]
