"""Binds the addresses and sockets that a server listens on."""

import errno
import os
import socket
import stat
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from server.ops.tls import Certificates
from server.protocol.address import SOCKET_SCHEME, Address
from server.protocol.errors import OneLineError

BACKLOG = 2048
"""Maximum number of connections waiting to be accepted."""
UNAVAILABLE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


class ListenError(OneLineError):
    """Listening on the address failed; the text says why."""


class Listener(NamedTuple):
    """Bound sockets and their actual addresses (the real port if 0 was requested), with or without TLS.

    A Unix socket has a path instead of addresses.
    """

    sockets: Sequence[socket.socket]
    addresses: Sequence[Address]
    certificates: Certificates | None = None
    path: str = ""
    metrics: Sequence[socket.socket] = ()
    """Bound sockets of the metrics address, for the administrator's programs only."""

    def start(self) -> None:
        """Start listening, unless it has started; until then clients are refused. Raises ListenError."""
        for sock in (*self.sockets, *self.metrics):
            try:
                sock.listen(BACKLOG)
            except OSError as error:
                # On Linux, another server can have bound the same address, and listened first.
                where = self.path or Address(*sock.getsockname()[:2])
                raise ListenError(f"cannot listen on {where}: {error.strerror or error}") from None

    @property
    def websocket_url(self) -> str:
        """The URL of the chat room, at the first address."""
        if self.path:
            return f"{SOCKET_SCHEME}{self.path}"
        return self.addresses[0].websocket_url(tls=bool(self.certificates))

    def plaintext_warning(self, trusted_proxies: Sequence[str]) -> str | None:
        """Return a warning if other machines can connect without encryption."""
        if self.path or self.certificates or trusted_proxies:
            return None
        exposed = [sock for sock in self.sockets if not ip_address(sock.getsockname()[0]).is_loopback]
        if not exposed:
            return None
        where = Address(*exposed[0].getsockname()[:2])
        return (
            f"WARNING: {where} can be reached from other machines, but traffic is unencrypted and can be read by anyone"
            " on the network path; set [TLS], or terminate TLS at a proxy and name it in Limits.TrustedProxies"
        )


def listen(addresses: Sequence[Address], certificates: Certificates | None = None) -> Listener:
    """Bind TCP addresses and start listening: clients wait until they are accepted. Raises ListenError."""
    listener = bind(addresses, certificates)
    try:
        listener.start()
    except ListenError:
        for sock in listener.sockets:
            sock.close()
        raise
    return listener


def bind(addresses: Sequence[Address], certificates: Certificates | None = None) -> Listener:
    """Bind TCP addresses; a host name is bound at each address that it resolves to. Raises ListenError."""
    with ExitStack() as bound:
        opened = []
        for address in addresses:
            opened.append(_bind_all(address))
            for sock in opened[-1]:
                bound.enter_context(sock)
        bound.pop_all()
    actual = [Address(address.host, _port(found[0])) for address, found in zip(addresses, opened, strict=True)]
    return Listener([sock for found in opened for sock in found], actual, certificates)


def _bind_all(address: Address) -> list[socket.socket]:
    """Bind each address of this host that the machine has, all with the same port."""
    bound: list[socket.socket] = []
    missing = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    try:
        found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
        for family, host in dict.fromkeys((family, str(target[0])) for family, _, _, _, target in found):
            try:
                bound.append(_bind(family, host, _port(bound[0]) if bound else address.port))
            except OSError as error:
                # For example ::1 of localhost on a machine with IPv6 disabled.
                if error.errno not in UNAVAILABLE:
                    raise
                missing = error
        if not bound:
            raise missing
    except (OSError, UnicodeError) as error:
        for sock in bound:
            sock.close()
        reason = error.strerror if isinstance(error, OSError) else "not a host name"
        raise ListenError(f"cannot listen on {address}: {reason or error}") from None
    return bound


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # As `socket.create_server` does, which would also start listening.
    sock = socket.socket(family)
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" accepts IPv4 clients as well; their addresses are IPv4-mapped.
            both = ip_address(host).is_unspecified and socket.has_dualstack_ipv6()
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(not both))
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _port(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


def listen_at(path: Path) -> Listener:
    """Bind a Unix socket that only its owner can connect to, replacing a stale one. Raises ListenError."""
    url = f"{SOCKET_SCHEME}{path}"
    if not hasattr(socket, "AF_UNIX"):
        raise ListenError(f"cannot listen on {url}: this platform has no Unix sockets")
    sock = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)
    try:
        _remove_stale(path)
        sock.bind(str(path))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise ListenError(f"cannot listen on {url}: {error.strerror or error}") from None
    finally:
        os.umask(mask)
    return Listener([sock], [], path=str(path))


def _remove_stale(path: Path) -> None:
    """Remove the socket file if no server listens on it. Raises OSError if one does, or if it is not a socket."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "another server is already listening there")
