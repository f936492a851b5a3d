"""The client's end of the wire, on real sockets and processes."""
