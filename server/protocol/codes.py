"""Error codes, report statuses and close codes of the wire protocol, each with its meaning."""

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """The cause of an `error` frame; the connection stays open unless the code says otherwise."""

    NOTICE = "notice"
    MALFORMED = "malformed"
    UNKNOWN_ACTION = "unknown-action"
    NOT_LOGGED_IN = "not-logged-in"
    ALREADY_LOGGED_IN = "already-logged-in"
    BAD_NAME = "bad-name"
    UNKNOWN_IDENTITY = "unknown-identity"
    BAD_PROOF = "bad-proof"
    SIGN_IN_REQUIRED = "sign-in-required"
    BAD_TOKEN = "bad-token"  # noqa: S105 - a code
    BANNED = "banned"
    BAD_MESSAGE = "bad-message"
    NONCE_USED = "nonce-used"
    UNKNOWN_CHANNEL = "unknown-channel"
    NOT_HERE = "not-here"
    UNKNOWN_MESSAGE = "unknown-message"
    CANNOT_REPORT_SELF = "cannot-report-self"
    BAD_REASON = "bad-reason"
    BAD_COMMENT = "bad-comment"
    BAD_CONTEXT = "bad-context"
    ALREADY_REPORTED = "already-reported"
    TOO_MANY_REPORTS = "too-many-reports"
    TOO_MANY_RELATIONS = "too-many-relations"
    TOO_FAST = "too-fast"
    UNKNOWN_REPORT = "unknown-report"
    REPORT_RESOLVED = "report-resolved"
    NOT_YOURS = "not-yours"
    NOT_ALLOWED = "not-allowed"
    DO_NOT_DISTURB = "do-not-disturb"
    BAD_REACTION = "bad-reaction"
    BAD_QUERY = "bad-query"
    BAD_STATUS = "bad-status"
    WEBHOOK_OFF = "webhook-off"
    STORAGE = "storage"
    INTERNAL = "internal"


ERROR_MEANINGS: dict[ErrorCode, str] = {
    ErrorCode.NOTICE: "Not an error: a message from ChatServer, such as a welcome message (as in BareRTC).",
    ErrorCode.MALFORMED: "The frame is not JSON, repeats a key, is too deep or has too many parts; a field is missing,"
    " of the wrong type or out of range; or a login has two of `enrol`, `prove` and `token`.",
    ErrorCode.UNKNOWN_ACTION: "There is no such action.",
    ErrorCode.NOT_LOGGED_IN: "This action requires a login.",
    ErrorCode.ALREADY_LOGGED_IN: "This connection is already logged in, or its login is still being verified.",
    ErrorCode.BAD_NAME: "The name (of the login, or for `profile`) is not allowed; the message says why. With `jwt`:"
    " another member is in the room under this name, and the connection is closed.",
    ErrorCode.UNKNOWN_IDENTITY: "No user has enrolled with this identity, or their keys were deleted: after 90 days"
    " without a login, if nothing else of theirs is stored. Enrol with a new secret.",
    ErrorCode.BAD_PROOF: "The proof does not match the identity, challenge, nonce and name.",
    ErrorCode.SIGN_IN_REQUIRED: "Only members of the site may log in, with `jwt`. The connection is closed.",
    ErrorCode.BAD_TOKEN: "The site's token is not valid or has expired, or the name in it is not allowed. The"
    " connection is closed; get a new one.",
    ErrorCode.BANNED: "You are banned; the message says for how much longer. The connection is closed.",
    ErrorCode.BAD_MESSAGE: "The message is empty, too long or edited too often, or its text is not allowed.",
    ErrorCode.NONCE_USED: "You used this nonce for something else within 24 hours. Nothing was done; use a new nonce.",
    ErrorCode.UNKNOWN_CHANNEL: "No channel that you may read has this ID, or the message names none.",
    ErrorCode.NOT_HERE: "No user has had this name, one of you has blocked the other, or the name is your own.",
    ErrorCode.UNKNOWN_MESSAGE: "No message has this msgID, it was deleted (for `report`: so long ago that its text is"
    " erased), or you may not read it. For `report` without `msgID`: the message was not found.",
    ErrorCode.CANNOT_REPORT_SELF: "You cannot report your own message.",
    ErrorCode.BAD_REASON: "The reason is not one of those in `welcome`.",
    ErrorCode.BAD_COMMENT: "This reason needs a comment, or the comment is too long or contains U+0000.",
    ErrorCode.BAD_CONTEXT: "A message of the context is not near the reported one, or no longer available.",
    ErrorCode.ALREADY_REPORTED: "You have already reported this message; use `add` to add to that report. With `add`:"
    " the site accepts no additions.",
    ErrorCode.TOO_MANY_REPORTS: "You or your address sent too many reports within an hour; the message says when to"
    " retry.",
    ErrorCode.TOO_MANY_RELATIONS: "You have muted or blocked the maximum number of people; undo one of these first.",
    ErrorCode.TOO_FAST: "You are over a rate limit; the message says when to retry.",
    ErrorCode.UNKNOWN_REPORT: "None of your reports has this reportID.",
    ErrorCode.REPORT_RESOLVED: "The site has resolved this report, so it cannot be withdrawn.",
    ErrorCode.NOT_YOURS: "Only its author can edit a message; only its author or an operator can delete it.",
    ErrorCode.NOT_ALLOWED: "The settings of the server do not allow this; the message says what.",
    ErrorCode.DO_NOT_DISTURB: "The user has turned on Do not disturb.",
    ErrorCode.BAD_REACTION: "The reaction is not one emoji, or the message has the maximum number of reactions.",
    ErrorCode.BAD_QUERY: "The query has neither words nor filters, or a date in it is not valid.",
    ErrorCode.BAD_STATUS: "The status contains characters that cannot be shown, or is reserved for operators.",
    ErrorCode.WEBHOOK_OFF: "The webhook for this action is disabled.",
    ErrorCode.STORAGE: "The server cannot use its storage now, or its disk is nearly full. Nothing was done, unless the"
    " answer of PostgreSQL was lost: resend with the same nonce.",
    ErrorCode.INTERNAL: "An internal error of the server; its log has details.",
}


class ReportState(StrEnum):
    """The status of a report."""

    RECEIVED = "received"
    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given-up"
    WITHDRAWN = "withdrawn"
    SEEN = "seen"
    RESOLVED = "resolved"


REPORT_MEANINGS: dict[ReportState, str] = {
    ReportState.RECEIVED: "Stored by the server, and on its way to the site.",
    ReportState.WAITING: "The site has not accepted it yet; `error` says why, `nextAt` when the delivery is retried.",
    ReportState.DELIVERED: "Received by the site.",
    ReportState.GIVEN_UP: "All attempts failed. It is still stored, and the administrator can deliver it again.",
    ReportState.WITHDRAWN: "Withdrawn by the reporter.",
    ReportState.SEEN: "A moderator of the site has looked at it.",
    ReportState.RESOLVED: "Resolved by the site; `note` may say how.",
}


class CloseCode(IntEnum):
    """Websocket close codes in use: those of RFC 6455, section 7.4.1, and from 4000 our own."""

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
    SIGN_IN = 4003
    REMOVED = 4004


NO_CODE, CUT = 1005, 1006
"""Codes that libraries report if a close frame has no code, or if there was no close frame. Never sent."""

CLOSE_MEANINGS: dict[CloseCode, tuple[str, bool]] = {
    CloseCode.NORMAL: ("Closed intentionally.", False),
    CloseCode.GOING_AWAY: ("The client or the server is shutting down.", True),
    CloseCode.PROTOCOL_ERROR: ("The bytes violate the websocket protocol.", False),
    CloseCode.UNSUPPORTED_DATA: ("A binary frame was received; all frames are text.", False),
    CloseCode.INVALID_TEXT: ("A text frame is not UTF-8.", False),
    CloseCode.TOO_BIG: ("A frame is larger than the limit in `welcome`, or has too many fragments.", False),
    CloseCode.INTERNAL_ERROR: ("An internal error, or no answer to a ping.", True),
    CloseCode.SERVICE_RESTART: (
        "The server is restarting or has lost its database, or an operator disconnected everyone; the reason says"
        " which. Reconnect after a random delay of 0.5 to 5 s.",
        True,
    ),
    CloseCode.TRY_AGAIN_LATER: (
        "Too many logins or reads, the login cannot be stored, the missed messages cannot be read, or too much arrived"
        " meanwhile; the reason says which.",
        True,
    ),
    CloseCode.REPLACED: (
        "The same person, or the member who owns the name, logged in under this name on a newer connection.",
        False,
    ),
    CloseCode.LOGIN_TIMEOUT: ("No login within 10 s.", True),
    CloseCode.SIGN_IN: (
        "A token of the site is required, yours is not or no longer valid, or another member is in the room under its"
        " name; the reason says where to get one.",
        False,
    ),
    CloseCode.REMOVED: (
        "You are banned; or an operator, the site, or the link spam protection ended the session.",
        False,
    ),
}
"""Close code -> (its meaning, whether a client may reconnect automatically)."""


def may_reconnect(code: int) -> bool:
    """Return whether a client may reconnect automatically; true for a cut connection (1006) and unknown codes."""
    return all(code != known or again for known, (_, again) in CLOSE_MEANINGS.items())
