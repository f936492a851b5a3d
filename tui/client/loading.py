"""Requests for messages that are needed and not loaded."""

from server.protocol.frames import HistoryRequest
from tui.client import history
from tui.client.history import Nonces
from tui.client.state import ClientState


def ask_older(state: ClientState, nonce: str) -> HistoryRequest | None:
    """Request the missing messages nearest to the end of the current timeline.

    Return None if none are missing, or if the request is pending.
    """
    holes = [*state.timeline.covered.holes()]
    return history.ask(state.timeline, holes[-1], nonce) if holes else None


def ask_page(state: ClientState, low: float, nonce: str, *, forward: bool = False) -> HistoryRequest | None:
    """Request a page of messages missing after a number, the last or (forward) the first; None as in `ask_older`."""
    hole = state.timeline.hole(low)
    return history.ask(state.timeline, hole, nonce, forward=forward and state.pages_forward) if hole else None


def ask_shown(state: ClientState, nonces: Nonces) -> list[HistoryRequest]:
    """Request the messages to show now: around the wanted one, around the first new one, or the newest."""
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
