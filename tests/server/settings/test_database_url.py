"""The setting `Database` as a URL: its password stays out of the settings, and of all texts."""

from pathlib import Path

import pytest

from server.settings import SettingsError
from server.settings.database_url import URL_VARIABLE, environment_password, parse_url
from server.settings.file import parse

PASSWORD = "s3cret"


@pytest.mark.parametrize(
    ("text", "shown", "password"),
    [
        ("postgresql://ann@db/room", "postgresql://ann@db/room", ""),
        (f"postgresql://ann:{PASSWORD}@db1,db2:5433/room?a=b", "postgresql://ann@db1,db2:5433/room?a=b", PASSWORD),
        ("postgres://ann:a%40b@db", "postgres://ann@db", "a@b"),
        ("PostgreSQL://ann@DB/Room", "postgresql://ann@DB/Room", ""),
        (f"postgresql:///room?password={PASSWORD}&host=%2Ftmp", "postgresql:///room?host=%2Ftmp", PASSWORD),
        (
            "postgresql://ann@/room?host=/tmp&options=-c%20a%3Db",
            "postgresql://ann@/room?host=/tmp&options=-c%20a%3Db",
            "",
        ),
        ("postgresql://ann:[@db/room", "postgresql://ann@db/room", "["),
    ],
)
def test_password_is_separated_from_the_url(text: str, shown: str, password: str) -> None:
    url = parse_url(text)
    assert (url.text, url.password.reveal()) == (shown, password)
    assert password == "" or password not in repr(url)


@pytest.mark.parametrize("name", ["sslpassword", "ssl%70assword", "oauth_client_secret", "scram_client_key"])
def test_other_secrets_in_a_url_are_refused_and_not_shown(name: str) -> None:
    url = f"postgresql://ann@db/room?a=b&{name}={PASSWORD}"
    for setting, environ in ((f'Database = "{url}"', {}), ("", {URL_VARIABLE: url})):
        with pytest.raises(SettingsError, match=r"remove \S+, which would be shown") as caught:
            parse(setting, environ)
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("text", [f"postgresql://ann:{PASSWORD}/@db/room", f"postgresql://ann:{PASSWORD}?@db/room"])
def test_password_that_is_not_escaped_is_not_shown(text: str) -> None:
    with pytest.raises(SettingsError, match="%40 for @") as caught:
        parse("", {URL_VARIABLE: text})
    assert PASSWORD not in str(caught.value)


def test_url_without_a_password_is_kept_unchanged(tmp_path: Path) -> None:
    assert parse('Database = "postgresql://ann@db/room"', {}, tmp_path).settings.database == "postgresql://ann@db/room"


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        (f"postgresql://ann:{PASSWORD}@db/room", "remove the password; set PGPASSWORD or FLAGPOST_DATABASE, or"),
        (f"postgresql:/ann:{PASSWORD}@db/room", 'write a file, or "postgresql://USER@HOST/DATABASE"'),
        ("mysql://db/room", 'write a file, or "postgresql://USER@HOST/DATABASE"'),
    ],
)
def test_unusable_url_is_refused_with_advice(setting: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"Database: {problem}") as caught:
        parse(f'Database = "{setting}"', {})
    assert PASSWORD not in str(caught.value)


def test_environment_overrides_the_setting_and_has_the_password() -> None:
    environ = {URL_VARIABLE: f"postgresql://ann:{PASSWORD}@db/room"}
    settings = parse('Database = "room.sqlite"', environ).settings
    assert settings.database == "postgresql://ann@db/room"
    assert PASSWORD not in repr(settings)
    assert environment_password(settings.database, environ).reveal() == PASSWORD
    assert not environment_password("postgresql://ann@other/room", environ)
    with pytest.raises(SettingsError, match=URL_VARIABLE):
        parse("", {URL_VARIABLE: "room.sqlite"})
