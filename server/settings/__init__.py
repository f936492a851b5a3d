"""Reads settings.toml into frozen, typed settings. An error is one line: where, what is wrong, and what to do."""

from server.settings.effects import effects, of_field
from server.settings.file import DEFAULT_FILE, LoadedSettings, defaults, load, parse
from server.settings.key_notes import KeyNote, Use
from server.settings.limits import RoomLimits
from server.settings.model import (
    KEY_VARIABLE,
    MAX_CHANNELS,
    MAX_REASONS,
    TLS,
    Log,
    Names,
    OwnMetrics,
    PublicChannel,
    Renewed,
    Settings,
    SettingsError,
    renewed,
)
from server.settings.reload_effect import Effect
from server.settings.secret import ApiKeys, Secret, SigningSecret, SigningSecrets
from server.settings.site_tables import JWT, VIP, DirectMessageHistory, DMLinkSpamProtection, Logging, MessageFilter
from server.settings.webhook_tables import QUEUED_WEBHOOK, WEBHOOK_NAMES, WebhookSecurity, WebhookURL

__all__ = [
    "DEFAULT_FILE",
    "JWT",
    "KEY_VARIABLE",
    "MAX_CHANNELS",
    "MAX_REASONS",
    "QUEUED_WEBHOOK",
    "TLS",
    "VIP",
    "WEBHOOK_NAMES",
    "ApiKeys",
    "DMLinkSpamProtection",
    "DirectMessageHistory",
    "Effect",
    "KeyNote",
    "LoadedSettings",
    "Log",
    "Logging",
    "MessageFilter",
    "Names",
    "OwnMetrics",
    "PublicChannel",
    "Renewed",
    "RoomLimits",
    "Secret",
    "Settings",
    "SettingsError",
    "SigningSecret",
    "SigningSecrets",
    "Use",
    "WebhookSecurity",
    "WebhookURL",
    "defaults",
    "effects",
    "load",
    "of_field",
    "parse",
    "renewed",
]
