"""The server's certificate: loaded from the files in the settings, and replaced without dropping connections."""

import ssl
from pathlib import Path

from server.settings import TLS, SettingsError


class Certificates:
    """The current certificate. `context` is for the listener; each handshake uses the certificate that was set last."""

    def __init__(self, files: TLS) -> None:
        """Load the certificate. Raises SettingsError if the files cannot be used."""
        self.context = self._current = load_context(files)
        # Called at the start of each handshake, even if the client sends no server name.
        self.context.sni_callback = self._select

    def replace(self, context: ssl.SSLContext) -> None:
        """Use this context from the next handshake on."""
        self._current = context

    def _select(self, connection: ssl.SSLSocket | ssl.SSLObject, _host: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def load_context(files: TLS) -> ssl.SSLContext:
    """Return a server context with this certificate. Raises SettingsError if the files cannot be used."""
    for key, name in (("CertFile", files.cert_file), ("KeyFile", files.key_file)):
        try:
            Path(name).read_bytes()
        except OSError as error:
            raise SettingsError(
                f"TLS.{key}: reading {name} failed: {error.strerror}; name a readable PEM file"
            ) from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password argument OpenSSL would prompt at the terminal and block.
        context.load_cert_chain(files.cert_file, files.key_file, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(
                f"TLS.KeyFile: {files.key_file} is not the key of {files.cert_file}; name the matching key"
            ) from None
        raise SettingsError(
            f"TLS: {files.cert_file} and {files.key_file} are not a certificate and its key; name two PEM files without"
            " a password"
        ) from None
    return context
