"""The headers of Standard Webhooks 1.0: ID, time and signature."""

import base64
import hashlib
import hmac
from datetime import datetime

from server.settings import SigningSecret, SigningSecrets


def headers(webhook_id: str, at: datetime, body: bytes, secrets: SigningSecrets) -> dict[str, str]:
    """Return the headers of an attempt made at `at`, which has a time zone; each secret signs the exact `body`.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    timestamp = str(int(at.timestamp()))
    fields = {"webhook-id": webhook_id, "webhook-timestamp": timestamp}
    if secrets:
        signed = f"{webhook_id}.{timestamp}.".encode() + body
        fields["webhook-signature"] = " ".join(_signature(secret, signed) for secret in secrets)
    return fields


def _signature(secret: SigningSecret, signed: bytes) -> str:
    digest = hmac.digest(secret.reveal(), signed, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"
