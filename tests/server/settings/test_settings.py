"""Settings files: what is accepted, and the one line that explains what is not."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from server.protocol.address import DEFAULT_ADDRESS
from server.settings import (
    KEY_VARIABLE,
    ApiKeys,
    PublicChannel,
    Settings,
    SettingsError,
    WebhookURL,
    load,
    parse,
)

KEY = "hunter2-hunter2-hunter2"
LOBBY = '[[PublicChannels]]\nID = "lobby"\nName = "Lobby"\n'
REPORT = '[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "https://site.example/hooks"\n'


def refused(text: str, environ: dict[str, str] | None = None) -> str:
    """Return the one line about settings that are not usable."""
    with pytest.raises(SettingsError) as caught:
        parse(text, environ or {})
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


PROFILE = REPORT.replace('"report"', '"profile"')

WRONG = {
    "an unknown key": ("Colour = 1", "Colour", "use one of Title"),
    "a misspelt key": ('Titel = "Room"', "Titel", 'did you mean "Title"?'),
    "a key in another case": ('title = "Room"', "title", 'did you mean "Title"?'),
    "a misspelt key of a channel": (LOBBY + "EchoMessageOnJoin = 1", "PublicChannels[0].EchoMessageOnJoin", "did you"),
    "a misspelt key of a webhook": ('[[WebhookURLs]]\nName = "report"\nUrl = ""', "WebhookURLs[0].Url", '"URL"'),
    "a number for a text": ("Title = 5", "Title", "docs/settings.md"),
    "a text for a number": (LOBBY + 'EchoMessagesOnJoin = "ten"', "PublicChannels[0].EchoMessagesOnJoin", "docs/"),
    "a text for a boolean": ('[[WebhookURLs]]\nName = "report"\nEnabled = "yes"', "WebhookURLs[0].Enabled", "docs/"),
    "a text for a list": ('AllowedOrigins = "https://chat.example"', "AllowedOrigins", "docs/"),
    "a number in a list of texts": ("ReportReasons = [1]", "ReportReasons[0]", "docs/"),
    "a table for a list of tables": ('[PublicChannels]\nID = "lobby"', "PublicChannels", "docs/"),
    "a number for the key": ("AdminAPIKey = 5", "AdminAPIKey", "docs/"),
    "a number below its bound": (LOBBY + "EchoMessagesOnJoin = -1", "PublicChannels[0].EchoMessagesOnJoin", "docs/"),
    "a channel without an ID": ('[[PublicChannels]]\nName = "Lobby"', "PublicChannels[0].ID", "missing"),
    "an invalid channel ID": (LOBBY.replace('"lobby"', '"@bob"'), "PublicChannels[0].ID", "docs/"),
    "two channels with one ID": (LOBBY + LOBBY, "PublicChannels[1].ID", "rename"),
    "no channels": ("PublicChannels = []", "PublicChannels", "docs/"),
    "no reasons": ("ReportReasons = []", "ReportReasons", "docs/"),
    "two webhooks with one name": ('AdminAPIKey = "k"\n' + REPORT + REPORT, "WebhookURLs[1].Name", "another ID"),
    "two webhooks with one ID": (
        f'AdminAPIKey = "k"\n{REPORT}ID = "copy"\n{REPORT}ID = "copy"',
        "WebhookURLs[1].ID",
        "another ID",
    ),
    "the ID of another webhook": (f'AdminAPIKey = "k"\n{REPORT}ID = "profile"', "WebhookURLs[0].ID", "another ID"),
    "an ID with spaces": (f'AdminAPIKey = "k"\n{REPORT}ID = "a b"', "WebhookURLs[0].ID", "docs/"),
    "two profiles": (
        'AdminAPIKey = "k"\n' + PROFILE + PROFILE + 'ID = "other"',
        "WebhookURLs[1].Name",
        "only one",
    ),
    "an unknown webhook": (
        '[[WebhookURLs]]\nName = "ban"',
        "WebhookURLs[0].Name",
        "use one of report, profile",
    ),
    "an enabled webhook without a key": (REPORT, "AdminAPIKey", KEY_VARIABLE),
    "an enabled webhook without a URL": (
        'AdminAPIKey = "k"\n[[WebhookURLs]]\nName = "report"\nEnabled = true',
        "WebhookURLs[0].URL",
        "https://",
    ),
    "a key of white space": ('AdminAPIKey = " \\t"', "AdminAPIKey", "blank"),
    "an address without a port": ('Address = "localhost"', "Address", DEFAULT_ADDRESS),
    "an origin with a path": (
        'AllowedOrigins = ["https://chat.example/"]',
        "AllowedOrigins[0]",
        "https://chat.example",
    ),
    "an origin that is no URL": ('AllowedOrigins = ["*"]', "AllowedOrigins[0]", "https://"),
    "a host with a port": ('AllowedHosts = ["chat.example", "a:9000"]', "AllowedHosts[1]", "chat.example"),
    "a host that is a URL": ('AllowedHosts = ["https://chat.example"]', "AllowedHosts[0]", "host name"),
    "an origin twice": (
        'AllowedOrigins = ["https://a.example", "https://A.example:443"]',
        "AllowedOrigins[1]",
        "twice",
    ),
    "a host twice": ('AllowedHosts = ["a.example", "A.example"]', "AllowedHosts[1]", "twice"),
    "a reason twice": ('ReportReasons = ["Spam", "spam "]', "ReportReasons[1]", "twice"),
    "a proxy twice": ('[Limits]\nTrustedProxies = ["10.0.0.1", "10.0.0.1"]', "Limits.TrustedProxies[1]", "twice"),
    "a blank reason": ('ReportReasons = [" "]', "ReportReasons[0]", "blank"),
    "a reason with two lines": ('ReportReasons = ["a\\nb"]', "ReportReasons[0]", "one line"),
    "a blank title": ('Title = " "', "Title", "blank"),
    "a blank name": (LOBBY.replace('"Lobby"', '"\\t"'), "PublicChannels[0].Name", "blank"),
    "a blank welcome": (LOBBY + 'WelcomeMessages = [""]', "PublicChannels[0].WelcomeMessages[0]", "blank"),
    "a channel with a line break": (LOBBY.replace('"lobby"', '"lobby\\n"'), "PublicChannels[0].ID", "docs/"),
    "frames too small for a login": ("[Limits]\nFrameBytes = 1", "Limits.FrameBytes", "500"),
    "a website that is no URL": ('WebsiteURL = "site.example"', "WebsiteURL", "https://"),
    "an invalid address": (
        '[Limits]\nExemptAddresses = ["127.0.0.1", "here"]',
        "Limits.ExemptAddresses[1]",
        "10.0.0.0/8",
    ),
    "an invalid network": ('[Limits]\nTrustedProxies = ["10.0.0.0/99"]', "Limits.TrustedProxies[0]", "10.0.0.0/8"),
    "a negative limit": ("[Limits]\nLoginsPerMinute = -1", "Limits.LoginsPerMinute", "docs/"),
    "a limit that no float can hold": (
        f"[Limits]\nLoginsPerMinute = 1{'0' * 400}",
        "not valid TOML",
        "too many digits",
    ),
    "a number with too many digits": ("EvidenceDays = " + "9" * 5000, "not valid TOML", "too many digits"),
    "a hexadecimal number with too many digits": (
        f"EvidenceDays = 0x{'f' * 5000}",
        "not valid TOML",
        "too many digits",
    ),
    "nested lists": ("a = " + "[" * 60 + "]" * 60, "not valid TOML", "nested too deeply"),
    "nested tables": ("a = " + "[" * 1000 + "]" * 1000, "not valid TOML", "nested too deeply"),
    "a key of many parts": (".".join("a" * 5000) + " = 1", "not valid TOML", "nested too deeply"),
    "an address that is a URL": ('Address = "http://chat.example"', "Address", DEFAULT_ADDRESS),
    "a port of many digits": (f'Address = "127.0.0.1:{"9" * 5000}"', "Address", "not a port"),
    "an invisible title": ('Title = "\\u200b"', "Title", "blank"),
    "an invisible welcome": (LOBBY + 'WelcomeMessages = ["\\u0000"]', "PublicChannels[0].WelcomeMessages[0]", "blank"),
    "a sign-in page that is no URL": (
        '[JWT]\nEnabled = true\nSecretKey = "k"\nLandingPageURL = "javascript:alert(1)"',
        "JWT.LandingPageURL",
        "https://",
    ),
    "welcome messages that are too long together": (
        LOBBY + f"WelcomeMessages = {['x' * 4000] * 11}",
        "PublicChannels",
        "shorten them",
    ),
    "a burst of zero": ("[Limits]\nMessagesBurst = 0", "Limits.MessagesBurst", "docs/"),
    "a key twice": ('Title = "Room"\nTitle = "Tea"', "line 2", "occurs twice; remove one"),
    "not TOML": ('Title = "Room"\nAddress = here', "line 2", '"quotes"'),
    "sign-in by token without its secret": ("[JWT]\nEnabled = true", "JWT.SecretKey", "set it"),
    "no channel for everyone": (LOBBY + "VIP = true", "PublicChannels", "set VIP = false"),
}


@pytest.mark.parametrize(("text", "where", "hint"), WRONG.values(), ids=WRONG.keys())
def test_an_error_names_its_place_and_has_a_hint(text: str, where: str, hint: str) -> None:
    line = refused(text)
    assert line.startswith(f"{where}: ")
    assert hint in line


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("", "Database"),
        ("Logging", "Directory"),
        ("TLS", "CertFile"),
        ("TLS", "KeyFile"),
        ("WebhookSecurity", "CAFile"),
    ],
)
@pytest.mark.parametrize("char", ["\0", "\x1b", "\n", "\x9b"])
def test_a_file_name_has_no_control_character(table: str, key: str, char: str) -> None:
    both = "".join(
        f"{each} = {json.dumps(f'a{char}b')}\n"
        for each in ({key} | {"CertFile", "KeyFile"} if table == "TLS" else {key})
    )
    assert "control character" in refused(f"[{table}]\n{both}" if table else both)


LONGEST = {
    "WebsiteURL": "https://a.example/",
    "JWT.LandingPageURL": "https://a.example/",
    "DirectMessageHistory.DisclaimerMessage": "",
}


@pytest.mark.parametrize("key", LONGEST)
def test_a_text_that_every_client_receives_has_a_maximum_length(key: str) -> None:
    table, _, name = key.rpartition(".")
    line = refused(f'{f"[{table}]" if table else ""}\n{name} = "{LONGEST[key]}{"x" * 5000}"')
    assert line.startswith(f"{key}: expected text in quotes of length <= ")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Title = 1", "Title: expected text in quotes, got a whole number; "),
        ("Address = 5", "Address: expected text in quotes or a list in [ ], got a whole number; "),
        ("JWT = true", "JWT: expected a table, got true or false; "),
        ('[Log]\nLevel = "debug"', "Log.Level: this text is not allowed here; "),
        (LOBBY.replace("lobby", "@lobby"), "PublicChannels[0].ID: this text is not allowed here; "),
    ],
)
def test_a_wrong_type_is_named_in_plain_words(text: str, error: str) -> None:
    assert refused(text).startswith(error)


@pytest.mark.parametrize(
    "url",
    ["", "site.example/hooks", "ftp://site.example", "http://", "http://:80/", "http://h:0/", "http://h:99999/",
     "http://[::1/", "file:///etc/passwd", "http://site.example/a b", "http://site.example/\\u0000", "http://127.1",
     "http://0177.0.0.1", "http://１２７.０.０.１", "http://2130706433", "http://0x7f000001", "http://1.2.3.4.5",
     "http://a..b", "http://-a.example", "http://a%2eb", "http://site.example:８０", "http://1.2.3.256"],
)  # fmt: skip
def test_a_webhook_url_is_an_http_url(url: str) -> None:
    text = f'AdminAPIKey = "k"\n[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "{url}"'
    assert refused(text).startswith("WebhookURLs[0].URL: ")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8080/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://bücher.example", "http://site/",
     "http://site.example./", "https://me:password@1.example/?a=b", "http://a_b.example", "HTTP://SITE.example:1"],
)  # fmt: skip
def test_a_webhook_url_can_have_any_usual_host(url: str) -> None:
    hook = parse(f'AdminAPIKey = "k"\n[[WebhookURLs]]\nName = "report"\nEnabled = true\nURL = "{url}"', {})
    assert httpx.URL(hook.settings.webhook_urls[0].url).host


@pytest.mark.parametrize(
    ("origin", "sent"),
    [
        ("https://Chat.Example", "https://chat.example"),
        ("HTTPS://chat.example:443", "https://chat.example"),
        ("http://chat.example:80", "http://chat.example"),
        ("http://chat.example:443", "http://chat.example:443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(origin: str, sent: str) -> None:
    assert parse(f'AllowedOrigins = ["{origin}"]', {}).settings.allowed_origins == (sent,)


def test_a_cors_host_is_compared_as_browsers_send_it() -> None:
    written = ["https://Site.Example:443/", "https://bücher.example", "", "site.example"]
    found = parse(f"CORSHosts = {json.dumps(written)}", {}).settings.cors_hosts
    assert found == ("https://site.example", "https://xn--bcher-kva.example", "site.example")


def test_an_error_does_not_repeat_a_url_that_may_contain_a_password() -> None:
    assert "s3cret" not in refused('[[WebhookURLs]]\nName = "report"\nURL = "ftp://me:s3cret@site.example"')


@pytest.mark.parametrize(
    "text",
    [
        f'AdminAPIKey = ["{KEY}", 1]',
        f'AdminAPIKey = "{KEY}',
        f'AdminAPIKey = "{KEY}" "',
        f"AdminAPIKey = {KEY}",
        f'AdminAPIKey = "{KEY}"\nTitel = "Room"',
        f'AdminAPIKey = "{KEY}"\n' + REPORT + REPORT,
    ],
)
def test_the_key_is_in_no_error(text: str) -> None:
    assert KEY not in refused(text)


def test_the_key_is_in_no_repr_and_no_string() -> None:
    settings = parse(f'AdminAPIKey = "{KEY}"', {}).settings
    assert settings.admin_api_key.reveal() == KEY
    assert KEY not in f"{settings!r} {settings} {settings.admin_api_key!r} {settings.admin_api_key}"


def test_the_environment_overrides_the_key_and_satisfies_a_webhook_that_needs_one() -> None:
    assert parse('AdminAPIKey = "old"', {KEY_VARIABLE: KEY}).settings.admin_api_key == ApiKeys(KEY)
    hook = parse(REPORT, {KEY_VARIABLE: KEY}).settings.webhook("report")
    assert hook
    assert hook.url == "https://site.example/hooks"


SIGNING = "whsec_" + "QUJD" * 10


def test_signing_secrets_can_be_one_text_or_a_list_and_are_in_no_repr() -> None:
    hook = f'AdminAPIKey = "key"\n{REPORT}'
    for written, count in ((f'"{SIGNING}"', 1), (f'["{SIGNING}", "{SIGNING}"]', 2), ('""', 0), ("[]", 0)):
        settings = parse(f"{hook}Secret = {written}", {}).settings
        (found,) = settings.webhook_urls
        assert [secret.reveal() for secret in found.secret] == [b"ABC" * 10] * count
        assert "QUJD" not in f"{settings!r} {found.secret}"


@pytest.mark.parametrize("written", ['"QUJDQUJD"', '"whsec_QUJD"', '"whsec_no base64"', "7", "[7]", '"whsec_QUJDé"'])
def test_an_invalid_signing_secret_is_an_error_that_does_not_show_it(written: str) -> None:
    with pytest.raises(SettingsError, match=r"WebhookURLs\[\.*\d*\]?\S*.*xpected") as caught:
        parse(f'AdminAPIKey = "key"\n{REPORT}Secret = {written}', {})
    assert "QUJD" not in str(caught.value)


def test_keys_within_a_table_are_checked_too() -> None:
    with pytest.raises(SettingsError, match=r'Limits.ReportPerHour: no such setting; did you mean "Reports'):
        parse("[Limits]\nReportPerHour = 3", {})


def test_a_key_variable_of_white_space_is_refused() -> None:
    with pytest.raises(SettingsError, match=f"AdminAPIKey: blank; set it, or {KEY_VARIABLE}"):
        parse('AdminAPIKey = "from-the-file"', {KEY_VARIABLE: " "})


def test_several_keys_are_accepted_and_the_first_is_sent() -> None:
    keys = parse('AdminAPIKey = ["new-key", "new-key-2"]', {}).settings.admin_api_key
    assert keys.reveal() == "new-key"
    assert [keys.accepts(each) for each in ("new-key", "new-key-2", "", "new", "é", "\ud800")] == [
        True,
        True,
        *[False] * 4,
    ]
    assert keys.redact("new-key-2, new-key") == "..., ..."
    assert "new-key" not in f"{keys!r} {keys}"
    assert not parse("AdminAPIKey = []", {}).settings.admin_api_key


@pytest.mark.parametrize("keys", ['["a", ""]', '["a", "a"]', '["a", " "]', '[["a"]]'])
def test_a_list_of_keys_with_a_repeated_or_empty_one_is_refused(keys: str) -> None:
    assert refused(f"AdminAPIKey = {keys}").startswith("AdminAPIKey")


def test_an_empty_variable_does_not_override_the_key() -> None:
    assert parse('AdminAPIKey = "old"', {KEY_VARIABLE: ""}).settings.admin_api_key == ApiKeys("old")


@pytest.mark.parametrize("written", [f"{KEY} {KEY}-2", f"{KEY},{KEY}-2", f" {KEY} ,\n{KEY}-2, "])
def test_the_environment_may_contain_several_keys(written: str) -> None:
    assert parse("", {KEY_VARIABLE: written}).settings.admin_api_key == ApiKeys(KEY, f"{KEY}-2")


def test_a_short_word_in_the_key_variable_does_not_become_a_key() -> None:
    with pytest.raises(SettingsError, match=f"{KEY_VARIABLE}: one of its keys is shorter than 16") as caught:
        parse("", {KEY_VARIABLE: f"{KEY} hunter2"})
    assert "hunter2" not in str(caught.value)
    assert parse("", {KEY_VARIABLE: "hunter2"}).settings.admin_api_key == ApiKeys("hunter2")


def test_a_disabled_webhook_is_not_returned() -> None:
    settings = parse(REPORT.replace("true", "false"), {}).settings
    assert settings.webhook("report") is None
    assert settings.webhook("profile") is None


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty directory, with a home directory of the test's own."""
    for name in ("HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    directory = tmp_path / "current"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.mark.usefixtures("empty")
def test_the_defaults_apply_without_a_file() -> None:
    loaded = load(environ={})
    settings = loaded.settings
    assert msgspec.structs.replace(settings, database=Settings().database, logging=Settings().logging) == Settings()
    assert settings.address == "127.0.0.1:9000"
    assert not loaded.notices


def test_without_a_file_the_database_is_in_the_users_data_directory(empty: Path) -> None:
    database = Path(load(environ={}).settings.database)
    assert database.name == Settings().database
    assert database.is_relative_to(empty.parent / "home")
    assert database.parent.is_dir()


def test_the_file_in_the_working_directory_is_read_without_being_named(empty: Path) -> None:
    (empty / "settings.toml").write_text('Title = "Here"', encoding="utf-8")
    assert load(environ={}).settings.title == "Here"


def test_a_byte_order_mark_is_ignored(empty: Path) -> None:
    (empty / "settings.toml").write_text('Title = "Here"', encoding="utf-8-sig")
    assert load(environ={}).settings.title == "Here"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file") as caught:
        load(tmp_path / "nowhere.toml", {})
    assert "--settings" in str(caught.value)


def test_every_error_of_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    for content in (b"Titel = 1", b"= =", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(SettingsError) as caught:
            load(file, {})
        assert str(caught.value).startswith(f"{file}: ")
        assert len(str(caught.value).splitlines()) == 1


def test_a_directory_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot be read: .*; name another with --settings FILE"):
        load(tmp_path, {})


def test_a_file_in_another_encoding_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8; save it as UTF-8"):
        load(file, {})


def test_the_database_is_relative_to_the_directory_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('Database = "rooms/one.sqlite"', encoding="utf-8")
    assert load(file, {}).settings.database == str(tmp_path / "rooms" / "one.sqlite")
    file.write_text(f'Database = "{(tmp_path / "elsewhere.sqlite").as_posix()}"', encoding="utf-8")
    assert load(file, {}).settings.database == str(tmp_path / "elsewhere.sqlite")


def test_our_own_settings_cause_no_notice() -> None:
    assert not parse(LOBBY, {}).notices


def test_every_option_is_read() -> None:
    text = f"""
        Title = "Tea room"
        WebsiteURL = "https://site.example"
        Address = "[::1]:9001"
        AdminAPIKey = "{KEY}"
        AllowedOrigins = ["https://chat.example"]
        ReportReasons = ["Other"]
        [[PublicChannels]]
        ID = "tea"
        Name = "Tea"
        WelcomeMessages = ["Hello."]
        EchoMessagesOnJoin = 3
    """
    assert parse(text + REPORT, {}).settings == Settings(
        title="Tea room",
        website_url="https://site.example",
        address="[::1]:9001",
        admin_api_key=ApiKeys(KEY),
        allowed_origins=("https://chat.example",),
        report_reasons=("Other",),
        public_channels=(PublicChannel("tea", "Tea", ("Hello.",), 3),),
        webhook_urls=(WebhookURL("report", enabled=True, url="https://site.example/hooks"),),
    )
