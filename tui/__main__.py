"""`python -m tui`: start with as few imports as possible, to show the first frame early."""

import gc
import sys


def main() -> int:
    """Run the command line; return its exit code."""
    # Objects made before the first frame live on; collecting garbage among them takes a tenth of the start-up time.
    gc.disable()
    from tui.cli import run

    return run()


if __name__ == "__main__":
    sys.exit(main())
