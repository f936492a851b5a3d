"""The answer "no" of a rule, in words for the person who asked."""

from server.protocol.codes import ErrorCode


class Refusal(Exception):  # noqa: N818 - a verdict, not a fault
    """What was asked is not allowed; `code` and the text go back to whoever asked."""

    def __init__(self, code: ErrorCode, message: str, retry_after: int = 0) -> None:
        """`retry_after` are the seconds after which it may be allowed; 0: unknown."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
