"""The answer "no" of a rule, in words for the person who asked."""

from server.protocol.codes import ErrorCode


class Refusal(Exception):  # noqa: N818 - a verdict, not a fault
    """What was asked is not allowed; `code` and the text go back to whoever asked."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
