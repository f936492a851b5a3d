"""The demo: a small site and a room with bots, to try everything on one machine."""
