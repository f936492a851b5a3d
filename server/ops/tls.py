"""The server's certificate: read from the files of the settings, and exchanged while connections go on."""

import ssl
from pathlib import Path

from server.settings import TLS, SettingsError


class Certificates:
    """What is shown at each handshake: `context` is for the listener, and shows what was last exchanged for it."""

    def __init__(self, files: TLS) -> None:
        """SettingsError if the files cannot be used."""
        self.context = self._current = read(files)
        # Called at the beginning of each handshake, whether the client names a host or not.
        self.context.sni_callback = self._choose

    def exchange(self, context: ssl.SSLContext) -> None:
        """Show this one from the next handshake on."""
        self._current = context

    def _choose(self, connection: ssl.SSLSocket | ssl.SSLObject, _host: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def read(files: TLS) -> ssl.SSLContext:
    """A server's context with this certificate. SettingsError if the files cannot be used."""
    for key, name in (("CertFile", files.cert_file), ("KeyFile", files.key_file)):
        try:
            Path(name).read_bytes()
        except OSError as error:
            raise SettingsError(f"TLS.{key}: {name} cannot be read: {error.strerror}; name a PEM file") from None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password of ours OpenSSL would ask for one at the terminal, and wait.
        context.load_cert_chain(files.cert_file, files.key_file, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(f"TLS.KeyFile: {files.key_file} is not the key of {files.cert_file}") from None
        raise SettingsError(
            f"TLS: {files.cert_file} and {files.key_file} are no certificate and its key, as PEM without a password"
        ) from None
    return context
