"""The client's way to a server: the connection, and a server of its own where none listens."""
