"""The profile of a person: requested, then answered by the site or failed."""

from enum import Enum

from msgspec import Struct

from server.protocol import frames

UNANSWERED = "The connection was lost before the site answered. Try again once you are reconnected."


class Stage(Enum):
    """State of the profile panel."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


class ProfileView(Struct, frozen=True):
    """Content of the profile panel."""

    username: str
    nonce: str
    stage: Stage = Stage.LOADING
    headline: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    error: str = ""

    def answered(self, frame: frames.Profile) -> "ProfileView":
        """Return the profile after an answer, which may be to an earlier request."""
        if self.nonce != frame.nonce:
            return self
        listed = tuple((each.name, each.value) for each in frame.profile_fields)
        stage = Stage.FAILED if frame.error else Stage.READY
        return ProfileView(frame.username, frame.nonce, stage, frame.headline, listed, frame.error)

    def failed(self, why: str) -> "ProfileView":
        """Return the profile after its request failed."""
        return ProfileView(self.username, self.nonce, Stage.FAILED, error=why)

    def lost(self) -> "ProfileView":
        """Return the profile after the connection was lost."""
        if self.stage is not Stage.LOADING:
            return self
        return ProfileView(self.username, "", Stage.FAILED, error=UNANSWERED)
