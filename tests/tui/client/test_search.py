"""A search accepts answers to its own requests, and nothing else."""

from datetime import UTC, datetime, timedelta, timezone

from server.protocol.frames import Message, SearchRequest, SearchResults
from tui.client.search import LOST, SearchState, excerpt

NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)


def message(number: int) -> Message:
    return Message("lobby", "bob", "rope", number, datetime(2026, 3, 14, tzinfo=UTC))


def test_pages_are_contiguous_and_no_message_is_repeated() -> None:
    search = SearchState()
    assert search.ask("rope", "1", NOW) == SearchRequest("rope", "1")
    assert search.ask_more("2") is None
    search.fold(SearchResults([message(9)], more=True, nonce="other"))
    assert not search.found
    search.fold(SearchResults([message(9)], more=True, nonce="1"))
    assert search.ask_more("2") == SearchRequest("rope", "2", before_id=9)
    search.fold(SearchResults([message(9)], more=True, nonce="2"))
    assert [each.msg_id for each in search.found] == [9]
    assert search.ask_more("3") is None


def test_search_continues_where_the_server_stopped_until_it_is_complete() -> None:
    search = SearchState()
    search.ask("rope", "1", NOW.astimezone(timezone(timedelta(hours=-5, minutes=-30))))
    search.fold(SearchResults([], more=False, nonce="1", searched_to=5000))
    assert search.unfinished
    assert search.ask_more("2") == SearchRequest("rope", "2", before_id=5000, utc_offset=-330)
    search.fold(SearchResults([message(9)], more=False, nonce="2"))
    assert not search.unfinished
    assert [each.msg_id for each in search.found] == [9]


def test_server_that_stops_at_the_same_place_again_is_not_asked_for_ever() -> None:
    search = SearchState()
    search.ask("rope", "1", NOW)
    for number in "12":
        search.ask_more(number)
        search.fold(SearchResults([], more=False, nonce=search.nonce, searched_to=5000))
    assert not search.unfinished


def test_a_lost_connection_ends_a_search_in_progress() -> None:
    search = SearchState()
    search.lost()
    assert not search.problem
    search.ask("rope", "1", NOW)
    search.lost()
    assert (search.nonce, search.problem) == ("", LOST)


def test_an_excerpt_begins_a_little_before_the_first_word() -> None:
    assert excerpt("a\nRope", "rope") == "a Rope"
    long = "word " * 20 + "Rope and more"
    assert excerpt(long, "rope").startswith("…")
    assert "Rope and more" in excerpt(long, "ROPE")
