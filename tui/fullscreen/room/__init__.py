"""The room: its screen and what you do in it, by subject."""
