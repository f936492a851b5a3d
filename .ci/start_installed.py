"""Starts the installed server and, in a pty, the installed client, until the client is online."""

import os
import pty
import re
import select
import subprocess
import sys
import time
import urllib.request

SECONDS = 30.0


def main() -> None:
    """Start and end both. Raises AssertionError if one does not start, or does not end with exit code 0."""
    scripts = sys.argv[1]
    server = subprocess.Popen(
        [f"{scripts}/flagpost-server", "--address", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("Chat room: ").strip()
        health = url.replace("ws://", "http://").replace("/ws", "/healthz")
        with urllib.request.urlopen(health, timeout=SECONDS) as answer:
            assert answer.status == 200, answer.status
        start_client(f"{scripts}/flagpost", url)
    finally:
        server.terminate()
        code = server.wait(SECONDS)
    assert code == 0, f"the server ended with {code}"
    print("server and client start from the wheel")


def start_client(program: str, url: str) -> None:
    """Run the client in a pty until it is online, then quit with Ctrl+Q."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="120", LINES="36")
        os.execv(program, [program, url, "--name", "ada"])
    seen = b""
    end = time.monotonic() + SECONDS
    while b"online as ada" not in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen):
        assert time.monotonic() < end, f"the client never came online: {seen[-2000:]!r}"
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    os.write(terminal, b"\x11")
    while True:
        try:
            if not os.read(terminal, 65536):
                break
        except OSError:
            break
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status


if __name__ == "__main__":
    main()
