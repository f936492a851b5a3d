"""Tests of the client's networking, with real sockets and processes."""
