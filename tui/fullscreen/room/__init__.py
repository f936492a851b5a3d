"""The room: its screen and what the user does in it, by subject."""
