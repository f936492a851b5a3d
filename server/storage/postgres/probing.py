"""Finds out whether the database is down for everyone, or only out of this server's reach."""

import os
import socket
import struct

from psycopg.conninfo import conninfo_to_dict

PROBE_SECONDS = 1.0
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""The first message of a client; every PostgreSQL answers it with one byte, also while it starts or is a standby."""
DEFAULT_PORT = "5432"


def is_down(url: str) -> bool:
    """Return whether every host of a database answers or refuses: then the network works, and the database does not.

    Call this if the database cannot be used. Takes up to 2 * PROBE_SECONDS for each host.
    """
    options = conninfo_to_dict(url)
    hosts = str(options.get("hostaddr") or options.get("host") or os.environ.get("PGHOST", "")).split(",")
    ports = str(options.get("port") or os.environ.get("PGPORT") or DEFAULT_PORT).split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    return all(_is_reachable(host, int(port or DEFAULT_PORT)) for host, port in zip(hosts, ports, strict=True))


def _is_reachable(host: str, port: int) -> bool:
    if host.startswith(("/", "@")):
        # A Unix socket of this machine.
        return True
    try:
        with socket.create_connection((host, port), timeout=PROBE_SECONDS) as sock:
            sock.sendall(SSL_REQUEST)
            sock.recv(1)
    except ConnectionError:
        # Refused, or closed by a proxy whose database is down.
        return True
    except OSError:
        return False
    return True
