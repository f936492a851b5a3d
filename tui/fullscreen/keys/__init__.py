"""Key bindings: the table, the user's changes to it, and Alt sequences."""
