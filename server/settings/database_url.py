"""The setting `Database` as the URL of a PostgreSQL database, and where its password comes from."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from server.settings.secret import Secret

URL_VARIABLE = "FLAGPOST_DATABASE"
"""The environment variable with the whole URL; it overrides the setting, and may contain the password."""
SCHEMES = ("postgresql", "postgres")
_PASSWORD = "password"  # noqa: S105 - the name of a parameter


class DatabaseUrl(NamedTuple):
    """A URL without its password, which may be shown, and the password, if it contained one."""

    text: str
    password: Secret


def is_url(database: str) -> bool:
    """Return whether the setting names a PostgreSQL database, and no file."""
    return database.partition("://")[0].lower() in SCHEMES and "://" in database


def parse_url(text: str) -> DatabaseUrl:
    """Split the password off a URL. Raises ValueError, without the text, if it is no URL."""
    scheme, place, path, query, _ = urlsplit(text)
    user, at, hosts = place.rpartition("@")
    user, colon, password = user.partition(":")
    parameters = parse_qsl(query, keep_blank_values=True)
    secret = unquote(password) if colon else dict(parameters).get(_PASSWORD, "")
    # Parameters are left as they are written, unless one is the password.
    if any(name == _PASSWORD for name, _ in parameters):
        query = urlencode([pair for pair in parameters if pair[0] != _PASSWORD])
    # urlunsplit would leave out the slashes before an empty host.
    shown = f"{scheme}://{user}{at}{hosts}{path or '/'}"
    return DatabaseUrl(f"{shown}?{query}" if query else shown, Secret(secret))


def environment_password(url: str, environ: Mapping[str, str]) -> Secret:
    """Return the password in the environment's URL if that is this one; libpq itself looks in its own places."""
    whole = environ.get(URL_VARIABLE, "")
    if is_url(whole):
        found = parse_url(whole)
        if found.text == url:
            return found.password
    return Secret("")
