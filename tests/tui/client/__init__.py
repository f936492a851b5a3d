"""Tests of the client's state and texts, without a screen or a socket."""
