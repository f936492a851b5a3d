"""Secrets in the settings, hidden from logs, errors and reprs."""

import base64
import binascii
import hmac
import re


class Secret:
    """A string hidden from logs, errors and reprs."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def reveal(self) -> str:
        """Return the string itself; call this only where it is sent."""
        return self._value

    def redact(self, text: str) -> str:
        """Replace this string, plain or JSON-escaped, with "..." in the text of a recipient who may echo it."""
        return re.sub("".join(map(_written, self._value)), "...", text) if self else text


class ApiKeys(Secret):
    """The keys that authenticate server and site: one, or several during a rotation. The first one is sent."""

    __slots__ = ("_keys",)

    def __init__(self, *keys: str) -> None:
        present = [key for key in keys if key]
        super().__init__(present[0] if present else "")
        self._keys = tuple(map(Secret, present))

    def __repr__(self) -> str:
        return "ApiKeys(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ApiKeys) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(self._keys)

    @property
    def all(self) -> tuple[Secret, ...]:
        """All keys, the one to send first."""
        return self._keys

    def accepts(self, text: str) -> bool:
        """Return whether this is one of the keys."""
        given = text.encode(errors="surrogatepass")
        # Compare all of them, so that the time does not reveal which one matches.
        return sum(hmac.compare_digest(given, key.reveal().encode()) for key in self._keys) > 0

    def redact(self, text: str) -> str:
        """Replace all keys in a text, see `Secret.redact`; the longest first, because one may contain another."""
        for key in sorted(self._keys, key=lambda key: -len(key.reveal())):
            text = key.redact(text)
        return text


def _written(char: str) -> str:
    """Return a pattern for all JSON encodings of a character."""
    units = char.encode("utf-16-be")
    escaped = "".join(rf"\\u(?i:{units[at : at + 2].hex()})" for at in range(0, len(units), 2))
    return rf"(?:\\?{re.escape(char)}|{escaped})"


class SigningSecret:
    """A signing key of Standard Webhooks: "whsec_" followed by 24 to 64 bytes in base64."""

    PREFIX = "whsec_"
    SIZES = range(24, 65)

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        """Parse the text. Raises ValueError, whose message does not contain the secret."""
        encoded = text.removeprefix(self.PREFIX)
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if encoded == text or len(key) not in self.SIZES:
            raise ValueError(
                f'Expected "{self.PREFIX}" followed by {self.SIZES[0]} to {self.SIZES[-1]} bytes in base64'
            )
        self._key = Secret(encoded)

    def __repr__(self) -> str:
        return "SigningSecret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningSecret) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def reveal(self) -> bytes:
        """Return the bytes of the key; call this only where requests are signed."""
        return base64.b64decode(self._key.reveal())


class SigningSecrets(tuple[SigningSecret, ...]):
    """The signing secrets of a webhook: one, or several during a rotation. In a settings file, a text or a list."""

    __slots__ = ()
