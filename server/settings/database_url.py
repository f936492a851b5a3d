"""The setting `Database` as the URL of a PostgreSQL database, and the source of its password."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from server.settings.secret import Secret

URL_VARIABLE = "FLAGPOST_DATABASE"
"""The environment variable with the whole URL; it overrides the setting, and may contain the password."""
SCHEMES = ("postgresql", "postgres")
_PASSWORD = "password"  # noqa: S105 - the name of a parameter
_OTHER_SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""libpq's other secret parameters. They could be passed only in the URL, which is shown, so Flagpost refuses them."""


class DatabaseUrl(NamedTuple):
    """A URL without its password, safe to show; and the password, if there is one."""

    text: str
    password: Secret


def is_url(database: str) -> bool:
    """Return whether the setting is the URL of a PostgreSQL database, not a file."""
    return database.partition("://")[0].lower() in SCHEMES and "://" in database


def is_file(database: str) -> bool:
    """Return whether the setting names a file.

    A URL that lacks a slash does not: names of files are shown, and the URL may contain a password.
    """
    return "://" not in database and database.partition(":")[0].lower() not in SCHEMES


def parse_url(text: str) -> DatabaseUrl:
    """Split the password off a URL.

    Raises ValueError if the password is not escaped, or the URL has other secrets; the error contains no secret.
    """
    # urlsplit refuses some passwords, and its errors show them.
    scheme, _, rest = text.partition("://")
    rest, _, query = rest.partition("?")
    place, slash, path = rest.partition("/")
    if "@" in path + query:
        raise ValueError("write special characters of the password as %40 for @, %2F for / and so on")
    user, at, hosts = place.rpartition("@")
    user, colon, password = user.partition(":")
    parameters = parse_qsl(query, keep_blank_values=True)
    for name in _OTHER_SECRETS:
        if name in dict(parameters):
            raise ValueError(f"remove {name}, which would be shown; use a client key without a passphrase instead")
    secret = unquote(password) if colon else dict(parameters).get(_PASSWORD, "")
    # Rewrite the parameters only if the password is one of them.
    if any(name == _PASSWORD for name, _ in parameters):
        query = urlencode([pair for pair in parameters if pair[0] != _PASSWORD])
    # libpq accepts the scheme only in lower case.
    shown = f"{scheme.lower()}://{user}{at}{hosts}{slash}{path}"
    return DatabaseUrl(f"{shown}?{query}" if query else shown, Secret(secret))


def named_database(setting: str, environ: Mapping[str, str]) -> str:
    """Return the database that the environment or the setting names: a file, or a URL without its password.

    Raises ValueError; its text says which of the two is wrong, and what to do.
    """
    if whole := environ.get(URL_VARIABLE):
        if not is_url(whole):
            raise ValueError(f"{URL_VARIABLE}: write it like postgresql://USER:PASSWORD@HOST/DATABASE")
        return _parsed(URL_VARIABLE, whole).text
    if is_file(setting):
        return setting
    if not is_url(setting):
        raise ValueError('Database: write a file, or "postgresql://USER@HOST/DATABASE"')
    url = _parsed("Database", setting)
    if url.password:
        raise ValueError(f"Database: remove the password; set PGPASSWORD or {URL_VARIABLE}, or use a pgpass file")
    return url.text


def _parsed(source: str, text: str) -> DatabaseUrl:
    try:
        return parse_url(text)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def environment_password(url: str, environ: Mapping[str, str]) -> Secret:
    """Return the password in FLAGPOST_DATABASE if it names this database, else an empty one.

    libpq itself reads PGPASSWORD and pgpass files.
    """
    whole = environ.get(URL_VARIABLE, "")
    if is_url(whole):
        found = parse_url(whole)
        if found.text == url:
            return found.password
    return Secret("")
