"""Automatic reports, such as those of filters. They are stored in the transaction that stores the message."""

import secrets
from typing import NamedTuple

from msgspec import structs

from server.protocol import target
from server.rules import evidence as evidence_rules
from server.rules import filters
from server.rules.messages import Person, Publication
from server.storage import history, reports
from server.storage.base import Reader
from server.storage.reports import Submission, Terms
from server.storage.sql import SqlConnection

REPORTER = "server"
"""Prefix of the reporter's identity in automatic reports. No person has such an identity, so nobody is notified."""


class Complaint(NamedTuple):
    """The contents of an automatic report."""

    reason: str
    message: str
    comment: str = ""
    """If empty, the report's comment says that a filter matched, and quotes the messages before."""


class AutomaticReport(NamedTuple):
    """The report of one message. The message's author is also named as the reporter, as in BareRTC."""

    complaint: Complaint
    terms: Terms

    def record(self, connection: SqlConnection, publication: Publication) -> None:
        """Store the report. See `storage.base.Recorder`."""
        reason, message, comment = self.complaint
        author = publication.author
        said = comment or filters.report_comment(_context(connection, publication), publication, message)
        evidence = evidence_rules.evidence(author, publication, reason, said, (), holds_name=True)
        evidence = structs.replace(evidence, message=message, earlier_texts=(), automatic=True)
        # A new identity for each report, because each edit of a message can cause one.
        reporter = Person(author.name, f"{REPORTER}:{secrets.token_hex(8)}")
        submission = Submission(reporter, evidence, None, add=False)
        reports.submit(self.terms._replace(per_hour=0), submission, connection)


def _context(connection: SqlConnection, publication: Publication) -> list[Publication]:
    """Return the messages before this one, as far as the author of this one can see them."""
    place = publication.channel_for(publication.author)
    reader = Reader(publication.author, [place])
    other, before, limit = target.name_of(place), publication.msg_id, filters.MAX_CONTEXT
    if other is None:
        page = history.page(reader, history.IN_CHANNEL, (place,), before, limit, connection)
    else:
        page = history.conversation(reader, other, before, limit, connection)
    return [each for each in page.publications if not each.taken_back]
