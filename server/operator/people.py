"""The commands about a person's data: export and erase."""

import json
from collections.abc import Iterator

from server.operator.printing import CommandError, short, when
from server.protocol.wording import counted
from server.storage import personal_data
from server.storage.sql import SqlConnection


def export(connection: SqlConnection, name: str, identity: str | None) -> Iterator[str]:
    """Return the data stored about a person, as one JSON object per line. Raises CommandError."""
    # ASCII cannot control a terminal, and is the same in every encoding of standard output.
    return (json.dumps(row) for row in personal_data.export(_identity(connection, name, identity), connection))


def erase(connection: SqlConnection, name: str, identity: str | None) -> str:
    """Erase a person, and return a summary. Raises CommandError."""
    done = personal_data.erase(_identity(connection, name, identity), connection.now, connection)
    kept = f"kept {counted(done.reports_by, 'report')} by this person, and {done.reports_about} about them"
    return (
        f"{short(name)}: erased {counted(done.messages, 'message')}, with reactions, mutes, blocks and login key;"
        f" {kept} (see ReportDays). Connected clients show the messages until they reconnect; backups keep them."
    )


def _identity(connection: SqlConnection, name: str, identity: str | None) -> str:
    """Return the identity of the person who has had this name. Raises CommandError if there is not exactly one."""
    found = personal_data.holders(name, connection)
    if identity is not None:
        found = [holder for holder in found if holder.identity == identity]
    if not found:
        raise CommandError(f"no data about anyone called {short(name)!r}; check the name and --identity")
    if len(found) > 1:
        each = "; ".join(
            f"{one.identity} ({counted(one.messages, 'message')}, last seen {when(one.seen_at)})" for one in found
        )
        raise CommandError(f"{len(found)} people have had the name {short(name)!r}; add --identity ID, one of: {each}")
    return found[0].identity
