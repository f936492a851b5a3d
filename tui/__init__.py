"""The Flagpost client: a chat room in the terminal."""
