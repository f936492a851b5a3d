"""Finds, exports and erases what is stored about one person."""

from collections.abc import Iterator
from typing import NamedTuple

from server.protocol import names
from server.storage import mutes_and_blocks
from server.storage.sql import SqlConnection

ERASED = "[erased]"
"""The author of messages whose author was erased; no user can have this name."""

EXPORTS = {
    "person": "SELECT name, seen_at FROM person WHERE identity = ?1",
    "name": "SELECT name, held_at FROM held_name WHERE identity = ?1",
    "member": "SELECT name, seen_at FROM member WHERE identity = ?1",
    "blocked by the site": "SELECT other_name FROM site_block WHERE identity = ?1",
    "message": "SELECT id, at, channel, author, peer, text FROM message"
    " WHERE author_identity = ?1 OR (peer IS NOT NULL AND peer_identity = ?1) ORDER BY id",
    "withheld message": "SELECT id, at, channel, author, peer, text FROM withheld WHERE author_identity = ?1",
    "earlier text": "SELECT msg_id, since, message_version.text FROM message_version"
    " JOIN message ON message.id = msg_id WHERE author_identity = ?1 ORDER BY msg_id, number",
    "reaction": "SELECT msg_id, emoji, at FROM reaction WHERE identity = ?1 ORDER BY at",
    "read": "SELECT place, msg_id FROM read_marker WHERE identity = ?1",
    "mute or block": "SELECT other_name, blocked FROM hidden WHERE identity = ?1",
    "ban": "SELECT name, until FROM ban WHERE identity = ?1",
    "report": "SELECT report.id, trail.at, content, status, note FROM trail JOIN report ON report.id = report_id"
    " WHERE reporter_identity = ?1 ORDER BY trail.seq",
}
"""The stored data that a person may read about themselves. Who muted or blocked them is the data of others."""

ERASURES = (
    "DELETE FROM reaction WHERE identity = :identity",
    "DELETE FROM reaction WHERE msg_id IN (SELECT id FROM message WHERE author_identity = :identity)",
    "UPDATE message_version SET text = '' WHERE msg_id IN (SELECT id FROM message WHERE author_identity = :identity)",
    # Mark messages as deleted, so that clients remove them when they reconnect.
    "UPDATE message SET taken_back_at = coalesce(taken_back_at, :now), reacted_at = NULL, nonce = NULL,"
    " text = '', author = :erased, author_key = '', author_identity = '' WHERE author_identity = :identity",
    # Messages from others remain theirs.
    "UPDATE message SET peer = :erased, peer_key = '', peer_identity = ''"
    " WHERE peer IS NOT NULL AND peer_identity = :identity",
    "DELETE FROM withheld WHERE :identity IN (author_identity, peer_identity)",
    "DELETE FROM read_marker WHERE identity = :identity",
    "DELETE FROM person WHERE identity = :identity",
    "DELETE FROM held_name WHERE identity = :identity",
    "DELETE FROM member WHERE identity = :identity",
    "DELETE FROM site_block WHERE :identity IN (identity, other)",
    "DELETE FROM login_key WHERE identity = :identity",
)
"""Statements that erase everything except mutes and blocks, whose end is announced to servers; reports, which are
evidence and are kept for ReportDays; and bans, which expire."""

COVERED = {
    ("message", "author_identity"),
    ("message", "peer_identity"),
    ("withheld", "author_identity"),
    ("withheld", "peer_identity"),
    ("reaction", "identity"),
    ("hidden", "identity"),
    ("hidden", "other"),
    ("person", "identity"),
    ("read_marker", "identity"),
    ("login_key", "identity"),
    ("held_name", "identity"),
    ("ban", "identity"),
    ("member", "identity"),
    ("site_block", "identity"),
    ("site_block", "other"),
    ("report", "reporter_identity"),
    ("report", "about_identity"),
}
"""The columns with identities that this module handles; a test finds new ones."""


class NameHolder(NamedTuple):
    """A person who has, or had, a name; `seen_at` is in milliseconds, None if unknown."""

    identity: str
    seen_at: int | None
    messages: int


class Erasure(NamedTuple):
    """Counts of a person's erased messages, and of the reports by and about them, which are kept."""

    messages: int
    reports_by: int
    reports_about: int


def holders(name: str, connection: SqlConnection) -> list[NameHolder]:
    """Return everyone who has had this name, the latest first."""
    key = names.key(name)
    found = {row[0] for row in connection.execute("SELECT author_identity FROM message WHERE author_key = ?", (key,))}
    people = connection.execute("SELECT identity, name FROM person UNION SELECT identity, name FROM held_name")
    found |= {identity for identity, known in people if names.key(known) == key}
    query = (
        "SELECT (SELECT seen_at FROM person WHERE identity = ?1),"
        " (SELECT count(*) FROM message WHERE author_identity = ?1)"
    )
    each = [NameHolder(identity, *connection.execute(query, (identity,)).fetchone()) for identity in found - {""}]
    return sorted(each, key=lambda holder: (holder.seen_at or 0, holder.messages), reverse=True)


def export(identity: str, connection: SqlConnection) -> Iterator[dict[str, str | int | None]]:
    """Yield each row about a person, with its kind."""
    for kind, query in EXPORTS.items():
        rows = connection.execute(query, (identity,))
        fields = [str(field) for field, *_ in rows.description or ()]
        for row in rows:
            yield {"kind": kind, **dict(zip(fields, row, strict=True))}


def erase(identity: str, now: int, connection: SqlConnection) -> Erasure:
    """Erase a person, within the current transaction; `now` is in milliseconds."""
    query = (
        "SELECT (SELECT count(*) FROM message WHERE author_identity = ?1),"
        " (SELECT count(*) FROM report WHERE reporter_identity = ?1),"
        " (SELECT count(*) FROM report WHERE about_identity = ?1)"
    )
    counted = Erasure(*connection.execute(query, (identity,)).fetchone())
    # Announced, because servers have these in memory.
    mutes_and_blocks.end(mutes_and_blocks.around(identity, connection), connection)
    for statement in ERASURES:
        connection.execute(statement, {"identity": identity, "now": now, "erased": ERASED})
    return counted
