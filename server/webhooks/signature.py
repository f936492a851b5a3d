"""The headers of Standard Webhooks 1.0, which say which message this is, when it was sent, and by whom."""

import base64
import hmac
from datetime import datetime

from server.settings import SigningSecrets


def headers(webhook_id: str, at: datetime, body: bytes, secrets: SigningSecrets) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp`, and with secrets a `webhook-signature` over these very bytes by each."""
    timestamp = str(int(at.timestamp()))
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    found = {"webhook-id": webhook_id, "webhook-timestamp": timestamp}
    if secrets:
        digests = [hmac.digest(secret.reveal(), signed, "sha256") for secret in secrets]
        found["webhook-signature"] = " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return found
