"""The JSON bodies of BareRTC's webhook contract, byte for byte."""

import html
from collections.abc import Callable
from datetime import datetime

import msgspec

from server.rules.evidence import ALONE, Companions, Evidence
from server.rules.person_ids import PersonID
from server.rules.trail import Added, Event, Withdrawn
from server.settings import Secret, WebhookURL

# Go's encoding/json, which produced the captured bodies, escapes HTML characters and JavaScript's line separators.
_GO_ESCAPES = [
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
]


class _Report(msgspec.Struct, rename="pascal"):
    from_username: str
    about_username: str
    channel: str
    timestamp: datetime
    reason: str
    message: str
    comment: str


class _ContextLine(msgspec.Struct, rename="pascal"):
    username: str
    timestamp: datetime
    message: str
    user_id: str = msgspec.field(name="UserID")


class _Companion(msgspec.Struct, rename="pascal"):
    report_id: str = msgspec.field(name="ReportID")
    from_username: str
    from_user_id: str = msgspec.field(name="FromUserID")
    reason: str
    comment: str


class _EarlierText(msgspec.Struct, rename="pascal"):
    since: datetime
    message: str


class _FullReport(_Report, rename="pascal", omit_defaults=True):
    report_id: str = msgspec.field(name="ReportID")
    message_id: int = msgspec.field(name="MessageID")
    context: list[_ContextLine]
    from_user_id: str = msgspec.field(name="FromUserID")
    about_user_id: str = msgspec.field(name="AboutUserID")
    about_holds_name: bool
    earlier_texts: list[_EarlierText] = []
    reporters: int = 1
    also_reported: list[_Companion] = []


class _Withdrawal(msgspec.Struct, rename="pascal"):
    report_id: str = msgspec.field(name="ReportID")
    message_id: int = msgspec.field(name="MessageID")
    from_username: str
    about_username: str
    from_user_id: str = msgspec.field(name="FromUserID")
    about_user_id: str = msgspec.field(name="AboutUserID")


class _ReportBody(msgspec.Struct, rename="pascal"):
    action: str
    api_key: str = msgspec.field(name="APIKey")
    report: _Report | _Withdrawal


class _ProfileBody(msgspec.Struct, rename="pascal"):
    action: str
    api_key: str = msgspec.field(name="APIKey")
    username: str


def reported_messages(hook: WebhookURL, evidence: Evidence, event: Event) -> list[str]:
    """Return the Markdown texts in the body of this event; automatic reports and withdrawals have none."""
    if isinstance(event, Withdrawn) or evidence.automatic:
        return []
    recent = _recent(hook, evidence)
    if not hook.evidence:
        return [_with_earlier_texts(evidence), *recent]
    context = (line.message for line in _updated(evidence, event).context)
    earlier = (each.text for each in evidence.earlier_texts)
    return [evidence.message, *context, *earlier, *recent]


def report_body(
    key: Secret,
    hook: WebhookURL,
    report_id: str,
    evidence: Evidence,
    event: Event,
    written: Callable[[str], str] = str,
    *,
    person_id: PersonID = lambda _: "",
    companions: Companions = ALONE,
) -> bytes:
    """Return the body for an event of a report: the contract's seven keys, and more if the webhook requests evidence.

    `written` formats the messages. An addition has the same body, with the new reason, comment and context.
    """
    if isinstance(event, Withdrawn):
        people = person_id(evidence.reporter_identity), person_id(evidence.about_identity)
        withdrawal = _Withdrawal(report_id, evidence.msg_id, evidence.reporter, evidence.about, *people)
        return _encode(_ReportBody("report-withdrawn", key.reveal(), withdrawal))
    evidence = _updated(evidence, event)
    if evidence.automatic:
        written = _as_typed if hook.message_format == "html" else str
    comment = evidence.comment if hook.evidence or isinstance(event, Added) else _summary(evidence.comment, companions)
    report = _seven_keys(hook, evidence, comment, written)
    if hook.evidence:
        report = _full(report, report_id, evidence, written, person_id, companions)
    return _encode(_ReportBody("report", key.reveal(), report))


def _seven_keys(hook: WebhookURL, evidence: Evidence, comment: str, written: Callable[[str], str]) -> _Report:
    message = evidence.message if hook.evidence else _with_earlier_texts(evidence)
    return _Report(
        evidence.reporter,
        evidence.about,
        evidence.channel,
        evidence.at,
        evidence.reason,
        "\n\n".join(map(written, [message, *_recent(hook, evidence)])),
        comment,
    )


def _full(
    report: _Report,
    report_id: str,
    evidence: Evidence,
    written: Callable[[str], str],
    person_id: PersonID,
    companions: Companions,
) -> _FullReport:
    """Return a report with the keys for webhooks that request evidence."""
    context = [
        _ContextLine(line.username, line.at, written(line.message), person_id(line.identity))
        for line in evidence.context
    ]
    earlier = [_EarlierText(each.since, written(each.text)) for each in evidence.earlier_texts]
    also = [
        _Companion(each.report_id, each.reporter, person_id(each.identity), each.reason, each.comment)
        for each in companions.reports
    ]
    return _FullReport(
        **msgspec.structs.asdict(report),
        report_id=report_id,
        message_id=evidence.msg_id,
        context=context,
        from_user_id=person_id(evidence.reporter_identity),
        about_user_id=person_id(evidence.about_identity),
        about_holds_name=evidence.holds_name,
        earlier_texts=earlier,
        reporters=companions.people,
        also_reported=also,
    )


def _recent(hook: WebhookURL, evidence: Evidence) -> list[str]:
    """Return the last messages of the conversation as one text, as in BareRTC, if the webhook requests them."""
    if not (hook.dm_context and evidence.recent):
        return []
    lines = (f"{line.at:%Y-%m-%d %H:%M:%S} [{line.username}] {line.message}" for line in evidence.recent)
    return ["\n\n".join(["Recent message context:", *lines])]


def _as_typed(text: str) -> str:
    """Return HTML that shows a text as typed: automatic reports contain the source, as in BareRTC."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def _with_earlier_texts(evidence: Evidence) -> str:
    """Return a message and its texts before each edit, for sites that receive only the seven keys."""
    earlier = [
        f"Edited. Since {each.since:%Y-%m-%d %H:%M:%S} UTC it said:\n\n{each.text}" for each in evidence.earlier_texts
    ]
    return "\n\n".join([evidence.message, *earlier])


def _summary(comment: str, companions: Companions) -> str:
    """Return a comment and those of other reports of the message, for sites that receive only the seven keys."""
    if companions.people == 1:
        return comment
    said = [f"{each.reporter} ({each.reason}): {each.comment}".rstrip(": ") for each in companions.reports]
    return "\n".join([*([comment, ""] if comment else []), f"Reported by {companions.people} people.", *said])


def profile_body(key: Secret, username: str) -> bytes:
    return _encode(_ProfileBody("profile", key.reveal(), username))


def _updated(evidence: Evidence, event: Event) -> Evidence:
    """Return the evidence, updated by an addition."""
    return msgspec.structs.replace(evidence, **msgspec.structs.asdict(event)) if isinstance(event, Added) else evidence


def _encode(body: msgspec.Struct) -> bytes:
    encoded = msgspec.json.encode(body)
    # These characters occur only inside strings, so replacing bytes is safe.
    for character, escape in _GO_ESCAPES:
        encoded = encoded.replace(character, escape)
    return encoded
