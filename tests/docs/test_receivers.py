"""The receivers of docs/webhooks.md accept what this server sends, and refuse what others send."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from server.demo.profiles import ProfileAnswer
from server.settings import Secret, SigningSecret, SigningSecrets
from server.webhooks import signature
from server.webhooks.payloads import profile_body
from tests.support.receiver import closed_port_url
from tests.support.server_process import ROOT

KEY, OLD, NEW = "a-key-of-this-test", "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8
REPORT = b'{"Action":"report","APIKey":"a-key-of-this-test","Report":{"Message":"FREE <b>compass</b>"}}'
PROGRAMS = {"python": ("receiver.py", [sys.executable, "receiver.py"]), "php": ("receiver.php", ["php", "-S"])}


@contextmanager
def receiver(language: str, directory: Path) -> Iterator[httpx.Client]:
    """A receiver as the page has it, with a client that can reach it."""
    if language == "php" and not shutil.which("php"):
        pytest.skip("no PHP here; on Debian: apt-get install php-cli")
    file, command = PROGRAMS[language]
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    (program,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    (directory / file).write_text(program, encoding="utf-8")
    (directory / "reports").mkdir()
    url = closed_port_url()
    port = httpx.URL(url).port or 0
    environment = {**os.environ, "FLAGPOST_KEY": KEY, "FLAGPOST_SECRET": NEW, "PORT": str(port)}
    more = [f"127.0.0.1:{port}", file] if language == "php" else []
    process = subprocess.Popen(
        [*command, *more], cwd=directory, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        with httpx.Client(base_url=url, trust_env=False) as client:
            asyncio.run(_until_listening(port))
            yield client
    finally:
        process.kill()
        process.wait()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def signed(body: bytes, secrets: Sequence[str], name: str = "msg_1", age: int = 0) -> dict[str, str]:
    at = datetime.now(UTC) - timedelta(seconds=age)
    return signature.headers(name, at, body, SigningSecrets(SigningSecret(secret) for secret in secrets))


@pytest.mark.parametrize("language", list(PROGRAMS))
def test_a_receiver_in_the_docs_accepts_only_this_server(language: str, tmp_path: Path) -> None:
    with receiver(language, tmp_path) as client:

        def post(body: bytes, headers: dict[str, str]) -> httpx.Response:
            return client.post("/", content=body, headers=headers)

        assert post(REPORT, signed(REPORT, [NEW])).status_code == 200
        assert (tmp_path / "reports" / "msg_1.json").read_bytes() == REPORT
        both = signed(REPORT, [OLD, NEW], "msg_2")
        assert post(REPORT, both).status_code == 200
        for headers in ({}, signed(REPORT, [OLD], "msg_3"), signed(REPORT, [NEW], "msg_3", age=600)):
            assert post(REPORT, headers).status_code == 401
        forged = REPORT.replace(KEY.encode(), b"another-key")
        assert post(forged, signed(forged, [NEW], "msg_3")).status_code == 403
        assert sorted(file.name for file in (tmp_path / "reports").iterdir()) == ["msg_1.json", "msg_2.json"]


@pytest.mark.parametrize("language", list(PROGRAMS))
def test_a_receiver_in_the_docs_answers_profile_requests(language: str, tmp_path: Path) -> None:
    body = profile_body(Secret(KEY), "ada")
    with receiver(language, tmp_path) as client:
        answer = client.post("/", content=body, headers=signed(body, [NEW]))
    said = msgspec.json.decode(answer.content, type=ProfileAnswer)
    assert (answer.status_code, said.data.headline) == (200, "Hello")
