"""A client process as a page's server sees it: prints its size and each message that it receives.

Run as `python -m tests.support.page_child MODE`: "quits" when asked to, "hangs" instead, is "deaf" (reads nothing),
"leaves" at once, or "fails" to start.
"""

import json
import os
import sys
import time
from typing import BinaryIO

HANG_SECONDS = 600


def main(mode: str, stdin: BinaryIO, stdout: BinaryIO) -> int:
    def say(kind: bytes, text: str) -> None:
        data = text.encode()
        stdout.write(kind + len(data).to_bytes(4, "big") + data)
        stdout.flush()

    if mode == "fails":
        return 3
    stdout.write(b"__GANGLION__\n")
    say(b"D", f"starts with {os.environ['COLUMNS']}x{os.environ['ROWS']}\n")
    if mode == "leaves":
        say(b"M", '{"type": "exit"}')
        return 0
    if mode == "deaf":
        time.sleep(HANG_SECONDS)
    while header := stdin.read(5):
        data = stdin.read(int.from_bytes(header[1:], "big"))
        if header[:1] == b"M" and json.loads(data)["type"] == "quit":
            if mode == "hangs":
                time.sleep(HANG_SECONDS)
            return 0
        say(b"D", data.decode() + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer))
