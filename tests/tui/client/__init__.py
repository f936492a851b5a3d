"""What the client knows, without a screen and without a socket."""
