"""The operator's commands, on the same database while the server runs."""
