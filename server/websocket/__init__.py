"""One websocket connection: bytes in and out."""
