"""Why a command cannot be done."""


class CommandError(Exception):
    """A command cannot be done; the text is one line that says why, and what there is instead."""
