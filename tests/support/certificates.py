"""Certificates for loopback, by authorities that only a test trusts."""

import ssl
from datetime import datetime
from pathlib import Path

import trustme


def tls_settings(
    directory: Path, authority: trustme.CA, name: str = "127.0.0.1", not_after: datetime | None = None
) -> str:
    """Write a server's certificate and key into a directory; return the settings table that names them."""
    issued = authority.issue_cert(name, not_after=not_after)
    (directory / "cert.pem").write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    (directory / "key.pem").write_bytes(issued.private_key_pem.bytes())
    return '\n[TLS]\nCertFile = "cert.pem"\nKeyFile = "key.pem"\n'


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Return a client's context that trusts only this authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    return context
