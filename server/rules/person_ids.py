"""IDs of people for the site: stable on one server, and useless for logging in."""

import hashlib
from collections.abc import Callable

PREFIX = "usr_"
PersonID = Callable[[str], str]
"""Returns the ID for an identity; "" if the identity is unknown."""


def person_ids(key: str) -> PersonID:
    """Return the function that derives IDs with a server's secret key (hexadecimal)."""
    secret = bytes.fromhex(key)

    def person_id(identity: str) -> str:
        if not identity:
            return ""
        return PREFIX + hashlib.blake2b(identity.encode(), key=secret, digest_size=16).hexdigest()

    return person_id
