"""Members sign in at a real server: the page with the token, and the client in line mode."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from server.http.sign_in_page import SCRIPT, STYLE
from server.rules.tokens import Claims, sign
from tests.support.raw_socket import UPGRADE, dialled, request
from tests.support.server_process import ROOT, ServerProcess, environment, write_settings

SECRET = "a secret of the site, of 32 bytes"
PAGE = "https://site.example/chat"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = write_settings(tmp_path_factory.mktemp("sign-in"))
    jwt = f'\n[JWT]\nEnabled = true\nStrict = true\nSecretKey = "{SECRET}"\nLandingPageURL = "{PAGE}"\n'
    settings.write_text(settings.read_text() + jwt)
    with ServerProcess(settings) as started:
        yield started


def token(*, ago: float = 0) -> str:
    """Return a token of bob, signed a while ago."""
    return sign(Claims(sub="bob", nick="<b>Bobby"), SECRET, time.time() - ago)


async def test_page_has_the_line_to_copy_and_stores_the_token_nowhere(server: ServerProcess) -> None:
    jwt = token()
    async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as http:
        page = await http.get("/", params={"jwt": jwt})
    assert page.status_code == 200
    assert f" FLAGPOST_TOKEN={jwt} flagpost ws://127.0.0.1:{server.port}</pre>" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert f"<style>{STYLE}</style>" in page.text
    assert f"<script>{SCRIPT}</script>" in page.text
    assert "history.replaceState" in SCRIPT
    assert jwt not in server.log


@pytest.mark.parametrize("query", ["", "?jwt=", "?jwt=x.y.z", "?jwt=%22%3E%3Cscript%3E"])
async def test_page_without_a_valid_token_says_where_to_get_one(server: ServerProcess, query: str) -> None:
    async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as http:
        page = await http.get(f"/{query}")
    assert page.status_code == 403
    assert f'<a href="{PAGE}">' in page.text
    assert "<script>" not in page.text.replace(f"<script>{SCRIPT}</script>", "")
    assert page.headers["cache-control"] == "no-store"


async def test_head_request_for_the_page_has_no_body(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.http_url, trust_env=False) as http:
        assert (await http.head("/", params={"jwt": token()})).content == b""


async def test_no_answer_below_api_is_plain_text(server: ServerProcess) -> None:
    lines = [request(f"{method} /api/{path}") for method in ("GET", "BREW") for path in ("nowhere", "authenticate")]
    for data in (*lines, request("GET /api/authenticate", UPGRADE), request("GET /api/ws", UPGRADE)):
        async with dialled(server.port) as raw:
            await raw.send(data)
            answer = await raw.rest()
        assert answer.startswith(b"HTTP/1.1 4"), data
        assert b"application/json" in answer, data
        assert b'"OK"' in answer, data


def chat(directory: Path, link: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the client in line mode with this sign-in link in its environment, and say hello."""
    home = {name: str(directory) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return subprocess.run(
        [sys.executable, "-m", "tui", "--plain", *arguments],
        cwd=ROOT,
        env={**environment(home), **({"FLAGPOST_TOKEN": link} if link else {}), "PATH": os.environ["PATH"]},
        input="hello from a member\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_client_logs_in_with_only_the_link_of_the_site(server: ServerProcess, tmp_path: Path) -> None:
    done = chat(tmp_path, f"{server.http_url}/?jwt={token()}")
    assert done.returncode == 0, done.stderr
    assert "bob" in done.stdout
    assert "hello from a member" in done.stdout


@pytest.mark.parametrize("link", ["", "expired"], ids=["none", "expired"])
def test_client_without_a_valid_token_is_referred_to_the_site_in_one_line(
    server: ServerProcess, tmp_path: Path, link: str
) -> None:
    done = chat(tmp_path, token(ago=400) if link else "", server.url)
    assert done.returncode == 1
    said = [line for line in (done.stdout + done.stderr).splitlines() if PAGE in line]
    assert len(said) == 1, (done.stdout, done.stderr)
