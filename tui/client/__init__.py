"""The client's knowledge and behaviour, without a screen and without a socket."""
