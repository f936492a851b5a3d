"""A real server process, real sockets, a real website on loopback."""
