"""The refusal of a request by a rule, with a message for the user."""

from server.protocol.codes import ErrorCode
from server.protocol.errors import Verdict


class Refusal(Verdict):
    """A request that is not allowed; `code` and the text are sent to the user."""

    def __init__(self, code: ErrorCode, message: str, retry_after: int = 0) -> None:
        """Create a refusal; `retry_after` is in seconds, 0 if unknown."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after = retry_after
