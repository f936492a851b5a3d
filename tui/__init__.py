"""The Flagpost client: the chat room in a terminal."""
