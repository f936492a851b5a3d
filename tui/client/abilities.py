"""The abilities of a server besides chatting; interfaces offer only these."""

from typing import NamedTuple

COMMANDS = {
    "history": "history", "search": "search", "edit": "edits", "reports": "own_reports", "withdraw": "own_reports",
    "unblock": "unblocking",
}  # fmt: skip
"""Slash commands, and the ability that each needs."""
ACTIONS = {"search": "search", "edit_message": "edits", "my_reports": "own_reports"}
"""Actions of keys, and the ability that each needs."""


class Abilities(NamedTuple):
    """The abilities of a server; by default those of Flagpost."""

    history: bool = True
    """Older messages and what was missed can be loaded."""
    search: bool = True
    edits: bool = True
    own_reports: bool = True
    """The user can follow, withdraw and add to reports."""
    unblocking: bool = True

    def offer_command(self, name: str) -> bool:
        """Return whether the server supports a slash command."""
        return name not in COMMANDS or bool(getattr(self, COMMANDS[name]))

    def offer_action(self, name: str) -> bool:
        """Return whether the server supports the action of a key."""
        return name not in ACTIONS or bool(getattr(self, ACTIONS[name]))


OF_FLAGPOST = Abilities()
OF_BARERTC = Abilities(history=False, search=False, edits=False, own_reports=False, unblocking=False)
