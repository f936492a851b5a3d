"""Checks the expiry of the server's certificate, as a client sees it in a handshake."""

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime

from server.ops import tls
from server.settings import TLS, SettingsError

EXPIRED, NOT_YET = 10, 9
"""X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL."""


def days_left(files: TLS) -> int:
    """Return the whole days until the certificate expires. Raises SettingsError if it is not usable now."""
    context = tls.load_context(files)
    try:
        presented = _presented(context, files.cert_file)
    except ssl.SSLCertVerificationError as error:
        why = {
            EXPIRED: "has expired; renew it, then run `reload`",
            NOT_YET: "is not valid yet; check this machine's clock",
        }.get(error.verify_code, f"is rejected by clients: {error.verify_message}; renew it or complete its chain")
        raise SettingsError(f"TLS.CertFile: {files.cert_file} {why}") from None
    return days_until_end(presented)


def days_until_end(certificate: Mapping[str, object]) -> int:
    """Return the whole days until a certificate expires; it has the form that `getpeercert` returns."""
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    return (ends - datetime.now(UTC)).days


def _presented(context: ssl.SSLContext, file: str) -> Mapping[str, object]:
    """Do a handshake in memory with a client that trusts only this certificate; return what the client receives."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    while not _advance(client):
        _advance(server)
    return client.getpeercert() or {}


def _advance(side: ssl.SSLObject) -> bool:
    """Continue the handshake as far as possible; return whether it is complete."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True
