"""The demo: a small site and a room with scripted users, to try everything on one machine."""
