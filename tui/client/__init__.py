"""What the client knows and does, without a screen and without a socket."""
