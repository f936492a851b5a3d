"""The address a server listens on, and the URL of its websocket."""

from typing import NamedTuple

DEFAULT_ADDRESS = "127.0.0.1:9000"
WEBSOCKET_PATH = "/ws"
PORTS = 65_536
MAX_PORT_DIGITS = 5
SOCKET_SCHEME = "unix:"
"""Prefix of the URL of a server on a Unix socket; the path of the socket follows."""


class Address(NamedTuple):
    """A host name or IP address, and a TCP port (0: any free one)."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Parse "HOST:PORT" or "[IPV6]:PORT". Raises ValueError, whose message is one line for the user."""
        host, separator, port = text.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not separator or not bare or "/" in text or (":" in bare) != (host != bare):
            raise ValueError(f'"{text}" is not HOST:PORT, for example {DEFAULT_ADDRESS}')
        if bare == "*":
            raise ValueError(f'"*" is not a host; for every address of this machine write "[::]:{port}"')
        if not (port.isascii() and port.isdigit() and len(port) <= MAX_PORT_DIGITS and int(port) < PORTS):
            raise ValueError(f'"{port}" is not a port (0 to {PORTS - 1})')
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def websocket_url(self, *, tls: bool = False) -> str:
        """Return the wss:// or ws:// URL of the room at this address."""
        return f"{'wss' if tls else 'ws'}://{self}{WEBSOCKET_PATH}"
