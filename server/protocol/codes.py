"""Error codes and close codes of the wire, and which close codes a client may reconnect after."""

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """What an `error` frame is about; the connection lives on after each of them."""

    NOTICE = "notice"
    MALFORMED = "malformed"
    UNKNOWN_ACTION = "unknown-action"
    NOT_LOGGED_IN = "not-logged-in"
    ALREADY_LOGGED_IN = "already-logged-in"
    BAD_NAME = "bad-name"
    UNKNOWN_IDENTITY = "unknown-identity"
    BAD_PROOF = "bad-proof"
    BAD_MESSAGE = "bad-message"
    UNKNOWN_CHANNEL = "unknown-channel"
    NOT_HERE = "not-here"
    UNKNOWN_MESSAGE = "unknown-message"
    CANNOT_REPORT_SELF = "cannot-report-self"
    BAD_REASON = "bad-reason"
    BAD_COMMENT = "bad-comment"
    BAD_CONTEXT = "bad-context"
    ALREADY_REPORTED = "already-reported"
    TOO_MANY_REPORTS = "too-many-reports"
    TOO_FAST = "too-fast"
    UNKNOWN_REPORT = "unknown-report"
    NOT_YOURS = "not-yours"
    DO_NOT_DISTURB = "do-not-disturb"
    BAD_REACTION = "bad-reaction"
    BAD_QUERY = "bad-query"
    BAD_STATUS = "bad-status"
    WEBHOOK_OFF = "webhook-off"
    STORAGE = "storage"
    INTERNAL = "internal"


ERROR_MEANINGS: dict[ErrorCode, str] = {
    ErrorCode.NOTICE: "No error: a line of ChatServer, such as a welcome message (BareRTC sends these as errors too).",
    ErrorCode.MALFORMED: "The frame is not JSON, or a field is missing, of a wrong type or out of range.",
    ErrorCode.UNKNOWN_ACTION: "No such action.",
    ErrorCode.NOT_LOGGED_IN: "This action needs a login first.",
    ErrorCode.ALREADY_LOGGED_IN: "A connection logs in once.",
    ErrorCode.BAD_NAME: "The name cannot be used; the message says why. Log in again with another.",
    ErrorCode.UNKNOWN_IDENTITY: "Nobody enrolled here by this identity. Enrol, with a fresh secret.",
    ErrorCode.BAD_PROOF: "The proof does not belong to this identity, challenge, nonce and name.",
    ErrorCode.BAD_MESSAGE: "The message is empty, too long or holds what cannot be sent.",
    ErrorCode.UNKNOWN_CHANNEL: "No channel has this ID.",
    ErrorCode.NOT_HERE: "Nobody is known by this name, or it is oneself.",
    ErrorCode.UNKNOWN_MESSAGE: "No message has this msgID, or one may not read it.",
    ErrorCode.CANNOT_REPORT_SELF: "One's own message cannot be reported.",
    ErrorCode.BAD_REASON: "The reason is none of those in `welcome`.",
    ErrorCode.BAD_COMMENT: "This reason needs a comment, or the comment is too long.",
    ErrorCode.BAD_CONTEXT: "A message of the context does not belong around the reported one.",
    ErrorCode.ALREADY_REPORTED: "One has reported this message before; `add` adds to that report.",
    ErrorCode.TOO_MANY_REPORTS: "More reports within an hour than this site takes; the message says when again.",
    ErrorCode.TOO_FAST: "More than one person may do in this time; the message says when again.",
    ErrorCode.UNKNOWN_REPORT: "No report of one's own has this reportID.",
    ErrorCode.NOT_YOURS: "Only its author takes a message back.",
    ErrorCode.DO_NOT_DISTURB: "The person takes no direct messages now.",
    ErrorCode.BAD_REACTION: "A reaction is one emoji; a message takes so many different ones.",
    ErrorCode.BAD_QUERY: "There is nothing to search for.",
    ErrorCode.BAD_STATUS: "The status holds what cannot be shown.",
    ErrorCode.WEBHOOK_OFF: "The site has not enabled the webhook that this needs.",
    ErrorCode.STORAGE: "The server cannot reach its storage now, or its disk is nearly full: nothing was done.",
    ErrorCode.INTERNAL: "A fault of the server; its log says more.",
}


class ReportState(StrEnum):
    """Where a report stands."""

    RECEIVED = "received"
    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    WITHDRAWN = "withdrawn"
    SEEN = "seen"
    RESOLVED = "resolved"


REPORT_MEANINGS: dict[ReportState, str] = {
    ReportState.RECEIVED: "It is on the server's disk, and on its way to the site.",
    ReportState.WAITING: "The site did not take it; `error` says why, `nextAt` when it is tried again.",
    ReportState.DELIVERED: "The site has it.",
    ReportState.GIVEN_UP: "The site did not take it at any attempt; it is kept, and the operator can send it again.",
    ReportState.WITHDRAWN: "The reporter took it back.",
    ReportState.SEEN: "The site says that somebody has looked at it.",
    ReportState.RESOLVED: "The site says that it is done with it; `note` may say how.",
}


class CloseCode(IntEnum):
    """Websocket close codes in use: RFC 6455 section 7.4.1 below 4000, ours from there."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_TEXT = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    REPLACED = 4001
    LOGIN_TIMEOUT = 4002


NO_CODE, CUT = 1005, 1006
"""How a connection ended without a close code: by a close frame that had none, or by none at all. Never sent."""

CLOSE_MEANINGS: dict[CloseCode, tuple[str, bool]] = {
    CloseCode.NORMAL: ("Closed on purpose.", False),
    CloseCode.GOING_AWAY: ("One side is going away.", True),
    CloseCode.PROTOCOL_ERROR: ("The bytes are not the websocket protocol.", False),
    CloseCode.UNSUPPORTED_DATA: ("A binary frame came; every frame is text.", False),
    CloseCode.INVALID_TEXT: ("A text frame is not UTF-8.", False),
    CloseCode.TOO_BIG: ("A frame is over the limit of `welcome`.", False),
    CloseCode.INTERNAL_ERROR: ("A fault, or no answer to a ping.", True),
    CloseCode.SERVICE_RESTART: ("The server restarts: come back after 0.5 to 5 s, left to chance.", True),
    CloseCode.TRY_AGAIN_LATER: (
        "Too many logins, or what was missed cannot be read or is more than can be held; the reason says which.",
        True,
    ),
    CloseCode.REPLACED: ("The same person logged in on a newer connection.", False),
    CloseCode.LOGIN_TIMEOUT: ("Nobody logged in on the connection within 10 s.", True),
}
"""Close code -> (what it means, whether a client may reconnect by itself)."""


def may_reconnect(code: int) -> bool:
    """Whether a client may reconnect by itself; a connection that was cut (1006) and unknown codes: yes."""
    return all(code != known or again for known, (_, again) in CLOSE_MEANINGS.items())
