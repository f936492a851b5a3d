"""Links by direct message: how many people may get one, and what follows after that."""

import pytest

from server.rules.link_spam import LinkCounter, LinkLimits, SpamConsequence, hosts_in

LIMITS = LinkLimits(people=2, seconds=60, own_site="www.site.example")
SPAM = "look at https://Spam.example/x"


def send(counter: LinkCounter, *recipients: str, text: str = SPAM, at: float = 0) -> list[SpamConsequence | None]:
    """Send a text to these people; return what follows each time."""
    return [counter.count("mallory", each, text, LIMITS, at) for each in recipients]


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("https://www.spam-site.photography/x?y=1", {"spam-site.photography"}),
        ("[here](http://a.example) and b.com/x", {"a.example", "b.com"}),
        ("no link, e.g. this. a@b.example", set()),
    ],
)
def test_hosts_of_links_are_found(text: str, hosts: set[str]) -> None:
    assert hosts_in(text) == hosts


def test_one_person_too_many_is_a_kick_and_one_more_after_it_a_ban() -> None:
    counter = LinkCounter()
    assert send(counter, "a", "b", "a", "c") == [None, None, None, SpamConsequence.KICK]
    assert send(counter, "a", "d") == [None, SpamConsequence.BAN]


def test_links_are_counted_by_host_and_author() -> None:
    counter = LinkCounter()
    assert send(counter, "a", "b") == [None, None]
    assert send(counter, "c", text="https://other.example") == [None]
    assert counter.count("alice", "c", SPAM, LIMITS, 0) is None
    assert send(counter, "c", text="and again: spam.example/other https://www.spam.example/y") == [SpamConsequence.KICK]


def test_old_links_and_warnings_do_not_count() -> None:
    counter = LinkCounter()
    assert send(counter, "a", "b") == [None, None]
    assert send(counter, "c", at=61) == [None]
    assert send(counter, "d", "e", at=61) == [None, SpamConsequence.KICK]
    assert send(counter, "f", at=122) == [None]


def test_links_to_the_site_itself_do_not_count() -> None:
    counter = LinkCounter()
    assert send(counter, "a", "b", "c", "d", text="https://site.example/u/ada") == [None] * 4
