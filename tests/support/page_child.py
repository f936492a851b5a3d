"""A client process as a page's server sees it: prints its size and each message that it receives.

Run as a program with a mode: it "quits" when asked to, "hangs" instead, is "deaf" (reads nothing), "leaves" at once, or
"fails" to start. Hundreds are started, so it loads little.
"""

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

HANG_SECONDS = 600


def main(mode: str, stdin: "BinaryIO", stdout: "BinaryIO") -> int:
    """Run until the end of this mode; return the exit code."""

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
        if header[:1] == b"M" and b'"quit"' in data:
            if mode == "hangs":
                time.sleep(HANG_SECONDS)
            return 0
        say(b"D", data.decode() + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer))
