"""Screens over the room: full screens and dialogs."""
