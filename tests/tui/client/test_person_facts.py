"""What the site's tokens say about a person, for the list of people and the profile."""

import pytest

from server.protocol.frames import WhoEntry
from tui.client.person_facts import badge, facts, link, short_emoji

SITE = "https://site.example/club/"


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("/u/bob", "https://site.example/u/bob"),
        ("u/bob", "https://site.example/club/u/bob"),
        ("https://other.example/bob", "https://other.example/bob"),
        ("//other.example/bob", "https://other.example/bob"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_a_path_is_a_link_to_the_website_and_only_web_pages_are_links(target: str, url: str | None) -> None:
    assert link(target, SITE) == url


def test_a_path_without_a_website_is_not_a_link() -> None:
    assert link("/u/bob", "") is None


def test_a_profile_contains_only_what_the_site_says() -> None:
    entry = WhoEntry("bob", 1, vip=True, nickname="Bobby", profile_url="/u/bob", emoji="🇨🇭 Switzerland", gender="m")
    assert facts(entry, SITE) == (
        ("Nickname", "Bobby"),
        ("Role", "VIP"),
        ("Gender", "male"),
        ("Emoji", "🇨🇭 Switzerland"),
        ("Page", "https://site.example/u/bob"),
    )
    assert facts(WhoEntry("eve", 1), SITE) == facts(None, SITE) == ()


def test_the_list_of_people_shows_an_emoji_without_its_words_and_one_badge() -> None:
    assert [short_emoji(WhoEntry("a", 1, emoji=text)) for text in ("🇨🇭 Switzerland", "⚓", "flag", "", "é x")] == [
        "🇨🇭", "⚓", "", "", "",
    ]  # fmt: skip
    assert [badge(WhoEntry("a", 1, op=op, vip=vip)) for op, vip in ((True, True), (False, True), (False, False))] == [
        "op", "vip", "",
    ]  # fmt: skip
