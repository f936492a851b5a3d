"""The wire between server and client; the only part of the server that the client may import."""
