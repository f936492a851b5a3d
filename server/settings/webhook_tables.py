"""The tables of settings for webhooks."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from server.settings.secret import Secret, SigningSecrets

QUEUED_WEBHOOK = "report"
"""The name of the only webhook with queues. Profiles are requested only while a user waits for them."""
WEBHOOK_NAMES = (QUEUED_WEBHOOK, "profile")


class WebhookURL(msgspec.Struct, frozen=True, rename="pascal"):
    """Endpoints of the site that this server calls."""

    name: Annotated[str, Meta(description='"report" or "profile".')]
    id: Annotated[
        str,
        Meta(
            pattern=r"^(?:[a-z0-9][a-z0-9_-]{0,31})?\Z",
            description='Name of the queue of this URL, if several have the Name "report": at most 32 of a-z 0-9 _ -,'
            " beginning with a letter or digit. Empty: the Name.",
        ),
    ] = msgspec.field(name="ID", default="")
    enabled: Annotated[
        bool,
        Meta(
            description="Whether this webhook is called. Users can report messages, or read profiles, only if a webhook"
            " for it is enabled."
        ),
    ] = False
    url: Annotated[str, Meta(description="The endpoint; http:// or https://.")] = msgspec.field(name="URL", default="")
    evidence: Annotated[
        bool,
        Meta(
            description="Add ReportID, MessageID, Context (surrounding messages selected by the reporter) and the IDs"
            " of the people involved to reports."
        ),
    ] = False
    message_format: Annotated[
        Literal["text", "html"],
        Meta(description='Format of messages in reports: "text" as typed (Markdown), or "html" for display.'),
    ] = "text"
    dm_context: Annotated[
        bool,
        Meta(
            description="Add the latest messages of the conversation, at most 30, to the Message of a report about a"
            " direct message."
        ),
    ] = msgspec.field(name="DMContext", default=False)
    secret: Annotated[
        SigningSecrets,
        Meta(
            description='Secret that signs each request (Standard Webhooks), or a list: "whsec_" and 24 to 64 bytes in'
            " base64. Empty: unsigned."
        ),
    ] = SigningSecrets()

    @property
    def queue(self) -> str:
        """The name of this webhook's queue, which does not depend on the URL."""
        return self.id or self.name


class WebhookSecurity(msgspec.Struct, frozen=True, rename="pascal"):
    """How webhooks connect, and to which addresses."""

    block_private: Annotated[
        bool,
        Meta(
            description="Refuse URLs that resolve to an address that is not public, such as one of this machine or of a"
            " private network."
        ),
    ] = False
    ca_file: Annotated[
        str,
        Meta(
            description="PEM file with the certificates of your own authority, trusted in addition to the public ones;"
            " relative to the settings file."
        ),
    ] = msgspec.field(name="CAFile", default="")
    proxy: Annotated[
        Secret,
        Meta(
            description='Proxy for all webhooks, like "http://user:password@proxy.internal:3128". The proxy resolves'
            " host names, so BlockPrivate checks only localhost and IP addresses in URLs."
        ),
    ] = Secret("")
