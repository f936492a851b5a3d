"""The setting `Database` as the URL of a PostgreSQL database, and where its password comes from."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode

from server.settings.secret import Secret

URL_VARIABLE = "FLAGPOST_DATABASE"
"""The environment variable with the whole URL; it overrides the setting, and may contain the password."""
SCHEMES = ("postgresql", "postgres")
_PASSWORD = "password"  # noqa: S105 - the name of a parameter
_OTHER_SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""libpq's other parameters that nobody may see. It reads them nowhere else, so a URL with one cannot be used."""


class DatabaseUrl(NamedTuple):
    """A URL without its password, which may be shown, and the password, if it contained one."""

    text: str
    password: Secret


def is_url(database: str) -> bool:
    """Return whether the setting names a PostgreSQL database, and no file."""
    return database.partition("://")[0].lower() in SCHEMES and "://" in database


def is_file(database: str) -> bool:
    """Return whether a database is a file: not a URL, nor one that lacks a slash, and whose password would be shown."""
    return "://" not in database and database.partition(":")[0].lower() not in SCHEMES


def parse_url(text: str) -> DatabaseUrl:
    """Split the password off a URL. Raises ValueError, without the text, if it is not escaped or has other secrets."""
    # Not by urlsplit: it refuses some passwords, and its errors show them.
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
            raise ValueError(f"take {name} out, which would be shown; a client key needs a file without a passphrase")
    secret = unquote(password) if colon else dict(parameters).get(_PASSWORD, "")
    # Parameters are left as they are written, unless one is the password.
    if any(name == _PASSWORD for name, _ in parameters):
        query = urlencode([pair for pair in parameters if pair[0] != _PASSWORD])
    # libpq knows the scheme in this case only.
    shown = f"{scheme.lower()}://{user}{at}{hosts}{slash}{path}"
    return DatabaseUrl(f"{shown}?{query}" if query else shown, Secret(secret))


def named_database(setting: str, environ: Mapping[str, str]) -> str:
    """Return the file, or the URL without a password, that the setting or the environment names.

    Raises ValueError, whose text says which of them is wrong, and what to do.
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
        raise ValueError(f"Database: take the password out, and set PGPASSWORD, {URL_VARIABLE} or a pgpass file")
    return url.text


def _parsed(source: str, text: str) -> DatabaseUrl:
    try:
        return parse_url(text)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def environment_password(url: str, environ: Mapping[str, str]) -> Secret:
    """Return the password in the environment's URL if that is this one; libpq itself looks in its own places."""
    whole = environ.get(URL_VARIABLE, "")
    if is_url(whole):
        found = parse_url(whole)
        if found.text == url:
            return found.password
    return Secret("")
