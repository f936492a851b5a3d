"""`python -m tui`: starts with as little as it can, for the sake of the first frame."""

import gc
import sys


def main() -> int:
    """The exit code, as `tui.cli` has it."""
    # What is made until the first frame is there to stay; to look through it for garbage takes a tenth of that time.
    gc.disable()
    from tui.cli import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
