"""States when a changed setting takes effect, as metadata of the setting."""

from enum import StrEnum


class Effect(StrEnum):
    """When a changed setting takes effect after a reload."""

    NOW = "now"
    NEW_CONNECTIONS = "new connections"
    RESTART = "restart"


NEW = {"effect": Effect.NEW_CONNECTIONS}
RESTART = {"effect": Effect.RESTART}
"""Extra data of settings that do not take effect at once."""
