"""A small website and a room full of residents, to try everything on one machine."""
