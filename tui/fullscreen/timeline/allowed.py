"""The actions that a message allows."""

from collections.abc import Callable
from typing import NamedTuple

from tui.client.entries import Line
from tui.client.markdown import addresses
from tui.client.quotation import quoted


class Offers(NamedTuple):
    """The features of the site and the rights of the user, on which actions depend."""

    reports: bool = False
    """True if the site accepts reports."""
    profiles: bool = False
    """True if the site provides profiles."""
    operates: bool = False
    """True if the user is an operator."""


CONDITIONS: dict[str, Callable[[Line, Offers], bool]] = {
    "report": lambda line, offers: offers.reports and not line.mine,
    "profile": lambda _, offers: offers.profiles,
    "open_link": lambda line, _: bool(addresses(line.text)),
    "direct": lambda line, _: not line.mine,
    "mute": lambda line, _: not line.mine,
    "react": lambda line, _: not line.taken_back,
    "copy": lambda line, _: not line.taken_back,
    "reply": lambda line, _: not line.taken_back,
    "original": lambda line, _: bool(quoted(line)),
    "edit_message": lambda line, _: line.mine and not line.taken_back,
    "take_back": lambda line, offers: (line.mine or offers.operates) and not line.taken_back,
}
"""The actions that depend on the message."""


def allows(action: str, line: Line | None, offers: Offers) -> bool:
    """Return whether an action is available for the highlighted message; those that need no message always are."""
    condition = CONDITIONS.get(action)
    return condition is None or (line is not None and condition(line, offers))
