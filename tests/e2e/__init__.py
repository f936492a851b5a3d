"""End-to-end tests: a real server process, real sockets, and a real website on loopback."""
