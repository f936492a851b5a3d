"""Settings files of BareRTC: they load, and an administrator learns how each key is used."""

from pathlib import Path

import msgspec
import pytest

from server.settings import PublicChannel, Settings, SettingsError, Use, parse
from server.settings.barertc import MEANINGLESS
from server.settings.key_notes import KeyNote

FILES = sorted((Path(__file__).parents[2] / "contract/barertc/settings").glob("*.toml"))
HOSTS = "AllowedHosts = []\n"
"""Without it, every file of BareRTC causes a notice."""
LOBBY = '[[PublicChannels]]\nID = "lobby"\nName = "Lobby"\n'


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_stock_file_has_no_unknown_key(file: Path) -> None:
    loaded = parse(file.read_text(encoding="utf-8"), {})
    assert Use.UNKNOWN not in {note.use for note in loaded.notes}
    assert all("\n" not in notice for notice in loaded.notices)
    assert {note.key.partition(".")[0].partition("[")[0] for note in loaded.notes} >= {"Version", "Title", "JWT", "VIP"}


def test_keys_without_meaning_are_named_in_one_line() -> None:
    channels = f"{LOBBY}Icon = 'a'\n{LOBBY.replace('lobby', 'b')}Icon = 'b'"
    (notice,) = parse(f"{HOSTS}Version = 14\nPermitNSFW = true\n[TURN]\nURLs = []\n{channels}", {}).notices
    assert notice.endswith(": PermitNSFW, PublicChannels.Icon, TURN")


@pytest.mark.parametrize("version", ["", "Version = 17\n"])
def test_the_name_of_vips_is_ignored_with_a_notice(version: str) -> None:
    loaded = parse(f"{version}[VIP]\nName = 'Gold'\nMutuallySecret = true", {})
    assert loaded.settings.vip.mutually_secret
    assert KeyNote("VIP.Name", Use.IGNORED, MEANINGLESS["VIP.Name"]) in loaded.notes
    assert any("VIP.Name" in notice for notice in loaded.notices)


def test_no_key_is_both_used_and_without_meaning() -> None:
    assert not set(MEANINGLESS) & {field.encode_name for field in msgspec.structs.fields(Settings)}
    channel = {f"PublicChannels.{field.encode_name}" for field in msgspec.structs.fields(PublicChannel)}
    assert not set(MEANINGLESS) & channel


def test_unknown_key_is_a_warning_only_where_version_is_present() -> None:
    text = f"Titel = 'Room'\nFutureKey = 1\n{LOBBY}Colour = 'red'"
    with pytest.raises(SettingsError, match='Titel: no such setting; did you mean "Title"'):
        parse(text, {})
    loaded = parse(f"{HOSTS}Version = 99\n{text}", {})
    (notice,) = loaded.notices
    assert notice == (
        'these settings are unknown and ignored: Titel (did you mean "Title"?), FutureKey, PublicChannels[0].Colour'
    )


def test_keys_match_in_any_case_as_in_barertc() -> None:
    loaded = parse(f"{HOSTS}version = 16\ntitle = 'Tea'\nblockableadmins = true\n{LOBBY.replace('Name', 'NAME')}", {})
    assert loaded.settings.title == "Tea"
    assert loaded.settings.blockable_admins
    assert not loaded.notices
    with pytest.raises(SettingsError, match=r"JWT\.SecretKey"):
        parse("Version = 16\n[jwt]\nenabled = true", {})


def test_the_exact_spelling_of_a_key_wins() -> None:
    loaded = parse("Version = 16\ntitle = 'small'\nTitle = 'Tea'", {})
    assert loaded.settings.title == "Tea"
    assert [note.key for note in loaded.notes if note.use is Use.UNKNOWN] == ["title"]


def test_values_out_of_bounds_are_cut_and_named() -> None:
    channel = '[[PublicChannels]]\nID = "off topic"\nEchoMessagesOnJoin = 1000\nWelcomeMessages = ["", "Hi"]\n'
    loaded = parse(f'Version = 17\nTitle = "{80 * "t"}"\n{channel}', {})
    assert loaded.settings.title == f"{63 * 't'}…"
    assert loaded.settings.public_channels == (PublicChannel("off topic", "off topic", ("Hi",), 500),)
    changed = [note.key for note in loaded.notes if note.use is Use.CHANGED]
    assert changed == ["Title", "PublicChannels[0].Name", "PublicChannels[0].EchoMessagesOnJoin"]


def test_long_texts_for_users_are_cut_and_named() -> None:
    long = '"' + "x" * 5000 + '"'
    texts = f"[DirectMessageHistory]\nDisclaimerMessage = {long}\n[[MessageFilters]]\nChatServerResponse = {long}\n"
    loaded = parse(f'Version = 17\n{texts}{LOBBY}WelcomeMessages = ["", "Hi", {long}]', {})
    cut = f"{3999 * 'x'}…"
    assert loaded.settings.public_channels[0].welcome_messages == ("Hi", cut)
    assert loaded.settings.direct_message_history.disclaimer_message == cut
    assert loaded.settings.message_filters[0].chat_server_response == cut
    assert [note.key for note in loaded.notes if note.use is Use.CHANGED] == [
        "DirectMessageHistory.DisclaimerMessage",
        "MessageFilters[0].ChatServerResponse",
        "PublicChannels[0].WelcomeMessages[2]",
    ]


def test_welcome_messages_of_all_channels_beyond_the_limit_are_left_out_and_named() -> None:
    texts = ", ".join('"' + letter * 3000 + '"' for letter in "abc")
    channels = "".join(
        f'[[PublicChannels]]\nID = "c{number}"\nName = "c{number}"\nWelcomeMessages = [{texts}]\n'
        for number in range(6)
    )
    loaded = parse(f"{HOSTS}Version = 17\n{channels}", {})
    assert [len(each.welcome_messages) for each in loaded.settings.public_channels] == [3, 3, 3, 3, 1, 0]
    assert [(note.key, note.why.partition(";")[0]) for note in loaded.notes if note.use is Use.CHANGED] == [
        ("PublicChannels[4].WelcomeMessages", "cut to 1 message"),
        ("PublicChannels[5].WelcomeMessages", "cut to 0 messages"),
    ]


@pytest.mark.parametrize("blank", ["", " ", "\\u200b", "\\u2060 \\u0007"])
def test_texts_without_visible_characters_are_left_out(blank: str) -> None:
    tea = f'[[PublicChannels]]\nID = "tea"\nName = "{blank}"\nWelcomeMessages = ["{blank}", "Hi"]'
    loaded = parse(f'Version = 17\nTitle = "{blank}"\n{tea}', {})
    (channel,) = loaded.settings.public_channels
    assert (loaded.settings.title, channel.name, channel.welcome_messages) == (Settings().title, "tea", ("Hi",))


def test_blank_texts_are_replaced_by_the_defaults() -> None:
    filtered = '[[MessageFilters]]\nEnabled = false\nKeywordPhrases = ["", "(a"]\n'
    tables = f'[Logging]\nDirectory = ""\n{filtered}{LOBBY}EchoMessagesOnJoin = -1'
    loaded = parse(f'Version = 17\nTitle = ""\n{tables}', {})
    assert loaded.settings.title == Settings().title
    assert loaded.settings.logging.directory == "logs"
    assert loaded.settings.public_channels[0].echo_messages_on_join == 0
    assert [note.key for note in loaded.notes if note.use is Use.CHANGED] == ["Title", "Logging.Directory"]
    for phrase in ("", "(a", "x*"):
        enabled = f'[[MessageFilters]]\nEnabled = true\nKeywordPhrases = ["{phrase}"]'
        with pytest.raises(SettingsError, match=r"MessageFilters\[0\]\.KeywordPhrases\[0\]: this RE2 expression"):
            parse(enabled, {})


def test_webhook_that_flagpost_does_not_call_is_ignored() -> None:
    hook = '[[WebhookURLs]]\nName = "friends"\nEnabled = true\nURL = "https://site.example/friends"\n'
    loaded = parse(f"{HOSTS}Version = 17\n{hook}", {})
    assert loaded.settings.webhook_urls == ()
    ignored = 'WebhookURLs[0]: the webhook "friends" is ignored; Flagpost calls only report and profile'
    assert loaded.notices == [ignored]


def test_barertc_defaults_apply_only_where_version_is_present() -> None:
    hook = '[[WebhookURLs]]\nName = "report"\n'
    moved, own = (parse(text, {}).settings for text in (f"Version = 17\n{hook}", hook))
    assert (moved.webhook_urls[0].message_format, own.webhook_urls[0].message_format) == ("html", "text")
    assert (moved.direct_message_history.enabled, own.direct_message_history.enabled) == (False, True)
    text = (
        'Version = 17\n[DirectMessageHistory]\nEnabled = true\n[[WebhookURLs]]\nName = "report"\nMessageFormat = "text"'
    )
    chosen = parse(text, {}).settings
    assert chosen.direct_message_history.enabled
    assert chosen.webhook_urls[0].message_format == "text"


def test_missing_name_of_the_server_is_a_notice() -> None:
    (notice,) = parse("Version = 17", {}).notices
    assert notice.startswith("AllowedHosts: missing; set it to the host names")
    assert not parse("", {}).notices


def test_x_forwarded_for_trusts_a_local_proxy_unless_others_are_named() -> None:
    loaded = parse("UseXForwardedFor = true", {})
    assert loaded.settings.limits.trusted_proxies == ("127.0.0.0/8", "::1")
    assert "Limits.TrustedProxies" in loaded.notices[0]
    named = parse('UseXForwardedFor = true\n[Limits]\nTrustedProxies = ["10.0.0.1"]', {})
    assert named.settings.limits.trusted_proxies == ("10.0.0.1",)
    assert not named.notices


@pytest.mark.parametrize("channel_id", ["@bob", " lobby", "lobby ", "", "a\\u200bb", "a\\nb", 65 * "x"])
def test_ambiguous_channel_id_is_refused(channel_id: str) -> None:
    with pytest.raises(SettingsError, match=r"PublicChannels\[0\]\.ID"):
        parse(f'Version = 17\n[[PublicChannels]]\nID = "{channel_id}"\nName = "x"', {})


@pytest.mark.parametrize("value", ["Title = 5", "WebhookURLs = 5", "PublicChannels = [1]", "DirectMessageHistory = 1",
                                   'WebhookURLs = ["a"]', "[[PublicChannels]]\nID = 1"])  # fmt: skip
def test_value_of_a_wrong_type_is_reported_in_one_line(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(f"Version = 17\n{value}", {})
    assert len(str(caught.value).splitlines()) == 1
