"""The server accepts the login in docs/protocol.md."""

import hashlib
import hmac
import secrets
from pathlib import Path

from server.protocol.codec import encode
from server.protocol.frames import Enrol, Login, Prove, Welcome
from tests.support.chat_client import connected
from tests.support.server_process import ROOT, ServerProcess


def computed(welcome: Welcome, secret: bytes) -> dict[str, object]:
    """Return the values that the example computes."""
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    told = {"server": welcome.server, "challenge": welcome.challenge}
    names: dict[str, object] = {
        "hmac": hmac, "hashlib": hashlib, "secret": secret, "welcome": told, "nonce": "n" * 16, "username": "ada"
    }  # fmt: skip
    exec(example, names)
    return names


def binary(value: object) -> bytes:
    """Return a value of the example, which must be bytes."""
    assert isinstance(value, bytes)
    return value


async def test_the_example_enrols_and_proves_the_identity(server: ServerProcess) -> None:
    secret = secrets.token_bytes(32)
    async with connected(server.url) as (client, welcome):
        made = computed(welcome, secret)
        await client.login_by(Login("ada", enrol=Enrol(binary(made["stored_key"]), binary(made["server_key"]))))
        identity = str(made["identity"])
    async with connected(server.url) as (client, welcome):
        made = computed(welcome, secret)
        granted = await client.login_by(Login("ada", prove=Prove(identity, "n" * 16, binary(made["proof"]))))
        assert granted.proof == made["expected"]


def test_keys_are_encoded_as_the_page_says() -> None:
    frame = encode(Login("ada", enrol=Enrol(b"s" * 32, b"k" * 32)))
    page = Path(ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert b'"storedKey":"c3Nz' in frame
    assert '"enrol": {"storedKey": stored_key, "serverKey": server_key}' in page
