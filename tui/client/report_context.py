"""The messages around a reported one, as its report may include them."""

from collections.abc import Container, Iterable
from itertools import islice, takewhile

from tui.client.entries import Line, is_gap
from tui.client.timeline import Timeline


def around(
    timeline: Timeline, msg_id: int, before: int, after: int, hidden: Container[str] = ()
) -> tuple[list[Line], list[Line]]:
    """Return up to this many readable messages before and after a message, in order; none from beyond a gap.

    Counts as the server does: a deleted message counts, a message of a hidden author does not.
    """
    entries, at = timeline.entries, timeline.position(msg_id)

    def readable(numbers: Iterable[int], count: int) -> list[Line]:
        near = takewhile(lambda each: not is_gap(each), (entries[number] for number in numbers))
        lines = (each for each in near if isinstance(each, Line) and each.msg_id != msg_id)
        counted = islice((each for each in lines if each.author not in hidden), max(0, count))
        return [each for each in counted if not each.taken_back]

    earlier = readable(range(at - 1, -1, -1), before)
    return earlier[::-1], readable(range(at, len(entries)), after)
