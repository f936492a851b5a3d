"""Requests for the messages that the room needs and has not loaded."""

from server.protocol.frames import HistoryRequest
from tui.client import history
from tui.client.history import Nonces
from tui.client.state import ClientState


def ask_older(state: ClientState, nonce: str) -> HistoryRequest | None:
    """Request what is missing nearest to the end of the current timeline; None if nothing is, or it is pending."""
    holes = [*state.timeline.covered.holes()]
    return history.ask(state.timeline, holes[-1], nonce) if holes else None


def ask_page(state: ClientState, low: float, nonce: str, *, forward: bool = False) -> HistoryRequest | None:
    """Request a page of what is missing after a number, from its end or (forward) from its beginning."""
    hole = state.timeline.hole(low)
    return history.ask(state.timeline, hole, nonce, forward=forward and state.pages_forward) if hole else None


def ask_shown(state: ClientState, nonces: Nonces) -> list[HistoryRequest]:
    """Request what the current timeline shows now and has not loaded."""
    timeline = state.timeline
    if not state.caught_up or not timeline.id or timeline.refused:
        return []
    if state.wanted:
        return history.ask_around(timeline, state.wanted, nonces, both=state.pages_forward)
    if state.wants_new and timeline.unread and not timeline.new_from:
        asked = history.ask_around(timeline, timeline.read, nonces, both=state.pages_forward)
        # Nothing left to request: the first unread message cannot be shown.
        state.wants_new = bool(asked or timeline.requests)
        return asked
    return history.ask_newest(timeline, nonces)


def ask_everywhere(state: ClientState, nonces: Nonces) -> list[HistoryRequest]:
    """Request the newest messages of every channel: messages that were hidden may be readable now."""
    return [HistoryRequest(channel, nonces()) for channel in state.timelines]
