"""The metadata of settings that do not take effect immediately after a reload."""

from enum import StrEnum


class Effect(StrEnum):
    """The time at which a changed setting takes effect after a reload."""

    NOW = "now"
    NEW_CONNECTIONS = "new connections"
    RESTART = "restart"


NEW = {"effect": Effect.NEW_CONNECTIONS}
RESTART = {"effect": Effect.RESTART}
"""Metadata of settings that do not take effect immediately."""
