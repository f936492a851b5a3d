"""Websocket connections: bytes in and out."""
