"""One certificate authority instead of the 140 that httpx trusts."""

from pathlib import Path

import certifi

ONE = Path(__file__).with_name("one_authority.pem")


def trust_one() -> None:
    """Have httpx load one authority, unknown to the world, in this process and its forks.

    Loading all takes a third of a server's start, and no test visits a site with a certificate signed by them.
    """
    certifi.where = lambda: str(ONE)
