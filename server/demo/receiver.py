"""Parses webhook calls, and accepts them only with a fresh signature and the right key."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

from server.demo.inbox import ReceivedReport, ReportID
from server.protocol.errors import Verdict
from server.settings import Secret, SigningSecrets
from server.webhooks import signature

TOLERANCE_SECONDS = 5 * 60
"""Maximum age of a call, including the difference between the clocks of two machines."""

_SECONDS = re.compile(r"[0-9]{1,12}")


class RefusedCall(Verdict):
    """A call that is not authenticated or not valid; the text is the answer, with this HTTP status."""

    def __init__(self, status: HTTPStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


class ReportCall(msgspec.Struct, tag_field="Action", tag="report", rename="pascal"):
    """A report, or an addition to one."""

    report: ReceivedReport
    api_key: str = msgspec.field(name="APIKey")


class Withdrawal(msgspec.Struct, rename="pascal"):
    """The report that was withdrawn."""

    report_id: ReportID = msgspec.field(name="ReportID")


class WithdrawalCall(msgspec.Struct, tag_field="Action", tag="report-withdrawn", rename="pascal"):
    """A report was withdrawn by its reporter."""

    report: Withdrawal
    api_key: str = msgspec.field(name="APIKey")


class ProfileCall(msgspec.Struct, tag_field="Action", tag="profile", rename="pascal"):
    """A request for a user's profile."""

    username: str
    api_key: str = msgspec.field(name="APIKey")


Call = ReportCall | WithdrawalCall | ProfileCall
_decoder: msgspec.json.Decoder[Call] = msgspec.json.Decoder(Call)


def read(key: Secret, secrets: SigningSecrets, headers: Mapping[str, str], body: bytes, now: float) -> Call:
    """Verify and parse a call received at this Unix time. Raises RefusedCall."""
    _verify(secrets, headers, body, now)
    try:
        call = _decoder.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise RefusedCall(HTTPStatus.BAD_REQUEST, f"This call cannot be read: {error}.") from None
    if not hmac.compare_digest(call.api_key.encode(), key.reveal().encode()):
        raise RefusedCall(HTTPStatus.FORBIDDEN, "The APIKey is wrong.")
    return call


def _verify(secrets: SigningSecrets, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Check as in Standard Webhooks that a signature covers ID, timestamp and the exact bytes of the body."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not webhook_id or not _SECONDS.fullmatch(timestamp):
        raise RefusedCall(HTTPStatus.UNAUTHORIZED, "The headers webhook-id and webhook-timestamp are missing or wrong.")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise RefusedCall(
            HTTPStatus.UNAUTHORIZED,
            f"The webhook-timestamp is more than {TOLERANCE_SECONDS // 60} minutes off this site's clock.",
        )
    expected = signature.headers(webhook_id, datetime.fromtimestamp(int(timestamp), UTC), body, secrets)
    if not any(
        hmac.compare_digest(one.encode(), other.encode())
        for one in headers.get("webhook-signature", "").split()
        for other in expected.get("webhook-signature", "").split()
    ):
        raise RefusedCall(HTTPStatus.UNAUTHORIZED, "The webhook-signature is missing or wrong.")
