"""The SQLite file: its tables, how to open it, and how to upgrade it from an older version."""

import secrets
import sqlite3

from server.rules.search import fold
from server.storage.database import StoredRoom
from server.storage.dialect import APPLICATION_ID
from server.storage.sql import SqlConnection
from server.storage.sqlite_connection import SqliteConnection

BUSY_SECONDS = 5.0
"""How long a statement waits for another process that has locked the file."""
SCHEMA = """
CREATE TABLE epoch (name TEXT NOT NULL) STRICT;
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    author_identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    author_key TEXT NOT NULL,
    peer TEXT,
    peer_identity TEXT,
    peer_key TEXT,
    text TEXT NOT NULL,
    nonce TEXT
) STRICT;
CREATE INDEX message_channel ON message (channel, id) WHERE peer IS NULL;
CREATE INDEX message_sent ON message (author_identity, peer_key, id) WHERE peer IS NOT NULL;
CREATE INDEX message_received ON message (peer_identity, author_key, id) WHERE peer IS NOT NULL;
CREATE UNIQUE INDEX message_nonce ON message (author_identity, nonce) WHERE nonce IS NOT NULL;
"""
REPORTS = """
-- In milliseconds. The text of a deleted message is kept for reports, and emptied later.
ALTER TABLE message ADD COLUMN taken_back_at INTEGER;
CREATE INDEX message_taken_back ON message (taken_back_at) WHERE taken_back_at IS NOT NULL;

-- All events of all reports, in one hash chain; append-only.
CREATE TABLE trail (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    report_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    content TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;
CREATE INDEX trail_report ON trail (report_id, seq);

-- The status of each report; its content is in the trail, at the seq of its first row.
CREATE TABLE report (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    reporter TEXT NOT NULL,
    reporter_identity TEXT NOT NULL,
    msg_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    next_at INTEGER,
    note TEXT NOT NULL DEFAULT '',
    nonce TEXT,
    told INTEGER NOT NULL DEFAULT 1,
    UNIQUE (reporter_identity, msg_id)
) STRICT;

-- The delivery of one trail row to one webhook. `id` is the webhook-id header.
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    seq INTEGER NOT NULL REFERENCES trail (seq),
    report_id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    asked_to_wait INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL,
    holder TEXT,
    leased_at INTEGER NOT NULL DEFAULT 0,
    leased_until INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX delivery_due ON delivery (webhook, due) WHERE state = 'waiting';
CREATE INDEX delivery_report ON delivery (report_id);

CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    status INTEGER,
    answer TEXT NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX attempt_delivery ON attempt (delivery_id, id);
CREATE INDEX attempt_at ON attempt (at);

-- Breaker and pause of each webhook; a webhook without a row has neither.
CREATE TABLE webhook (
    name TEXT PRIMARY KEY,
    failures INTEGER NOT NULL DEFAULT 0,
    opened_at INTEGER NOT NULL DEFAULT 0,
    open_until INTEGER NOT NULL DEFAULT 0,
    paused TEXT NOT NULL DEFAULT ''
) STRICT;
"""
PEOPLE = """
-- Everyone who was here, so that others can write to them while they are away.
CREATE TABLE person (
    identity TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    last_message INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_seen ON person (seen_at);

-- Mutes, which hide messages in one direction, and blocks, which hide two people from each other.
CREATE TABLE hidden (
    identity TEXT NOT NULL,
    other TEXT NOT NULL,
    other_name TEXT NOT NULL,
    blocked INTEGER NOT NULL,
    PRIMARY KEY (identity, other)
) STRICT, WITHOUT ROWID;

CREATE TABLE reaction (
    msg_id INTEGER NOT NULL,
    identity TEXT NOT NULL,
    emoji TEXT NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (msg_id, identity, emoji)
) STRICT, WITHOUT ROWID;
ALTER TABLE message ADD COLUMN reacted_at INTEGER;
CREATE INDEX message_reacted ON message (reacted_at) WHERE reacted_at IS NOT NULL;

-- Three letters are a token, to find parts of words, also in languages without spaces.
CREATE VIRTUAL TABLE message_text USING fts5 (text, content = 'message', content_rowid = 'id', tokenize = 'trigram');
INSERT INTO message_text (rowid, text) SELECT id, text FROM message WHERE taken_back_at IS NULL;
CREATE TRIGGER message_said AFTER INSERT ON message BEGIN
    INSERT INTO message_text (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_unsaid AFTER UPDATE OF taken_back_at ON message
WHEN old.taken_back_at IS NULL AND new.taken_back_at IS NOT NULL BEGIN
    INSERT INTO message_text (message_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
"""
BLOCKS = """
-- The last message before a block; neither of the two can request later ones.
ALTER TABLE hidden ADD COLUMN after INTEGER NOT NULL DEFAULT 0;
"""
OPEN_REPORTS = """
-- Whether the message was deleted before the report, so that only the site may see its text.
ALTER TABLE report ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
UPDATE report SET taken_back = EXISTS (
    SELECT 1 FROM message JOIN trail ON trail.seq = report.seq WHERE message.id = msg_id AND taken_back_at <= trail.at
);

-- The few deliveries that are in flight, or not delivered yet.
CREATE INDEX delivery_under_way ON delivery (report_id, seq) WHERE holder IS NOT NULL;
CREATE INDEX delivery_open ON delivery (webhook) WHERE state IN ('waiting', 'given-up');
-- The reports with a change that the reporter was not notified of.
CREATE INDEX report_untold ON report (reporter_identity) WHERE told = 0;
"""
SMALLER_INDEX = """
-- Without positions, the index takes a quarter of the space; a search compares the texts instead.
DROP TABLE message_text;
CREATE VIRTUAL TABLE message_text
USING fts5 (text, content = 'message', content_rowid = 'id', tokenize = 'trigram', detail = 'none');
INSERT INTO message_text (rowid, text) SELECT id, text FROM message WHERE taken_back_at IS NULL;

-- Direct messages to a person who was away, from anyone.
CREATE INDEX message_direct ON message (peer_identity, id) WHERE peer IS NOT NULL;
"""
LOGIN_KEYS = """
-- A stable ID of the server; unlike the epoch it survives a restore.
CREATE TABLE server (id TEXT NOT NULL) STRICT;
INSERT INTO server VALUES (lower(hex(randomblob(16))));

-- The keys with which people prove their identity. `kept`: the person has stored data, so the key is never deleted.
CREATE TABLE login_key (
    identity TEXT PRIMARY KEY,
    stored_key BLOB NOT NULL,
    server_key BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    kept INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX login_key_seen ON login_key (seen_at) WHERE kept = 0;
-- Together with message_nonce: whether a person wrote anything.
CREATE INDEX message_without_nonce ON message (author_identity) WHERE nonce IS NULL;
"""
OWN_FILE = f"PRAGMA application_id = {APPLICATION_ID};"
RECOVERY = """
-- When the site last accepted a delivery after failures: what failed before that is sent again at once.
ALTER TABLE webhook ADD COLUMN recovered_at INTEGER NOT NULL DEFAULT 0;
"""
READ_MARKERS = """
-- How far a person has read a channel, or (with an @ and the key of the name) a conversation, and the last message of a
-- conversation when it was closed.
CREATE TABLE read_marker (
    identity TEXT NOT NULL,
    place TEXT NOT NULL,
    msg_id INTEGER NOT NULL,
    closed_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, place)
) STRICT, WITHOUT ROWID;

-- What was said before a person first joined, or up to this upgrade, counts as read.
ALTER TABLE person ADD COLUMN read_from INTEGER NOT NULL DEFAULT 0;
UPDATE person SET read_from = iif(last_message, last_message, (SELECT coalesce(max(id), 0) FROM message));
"""
RETENTION = """
-- Messages can be deleted with their rows.
CREATE TRIGGER message_gone AFTER DELETE ON message WHEN old.taken_back_at IS NULL BEGIN
    INSERT INTO message_text (message_text, rowid, text) VALUES ('delete', old.id, old.text);
END;
"""
RESERVED_NAMES = """
-- The names of people who can return, and when they last held them, in milliseconds; NULL: they are here.
CREATE TABLE held_name (
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    held_at INTEGER,
    PRIMARY KEY (identity, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_name_at ON held_name (held_at);
INSERT INTO held_name SELECT identity, name, seen_at FROM person WHERE identity IN (SELECT identity FROM login_key);

-- Whom a report is about: the author of the message, under the name of that time.
ALTER TABLE report ADD COLUMN about TEXT NOT NULL DEFAULT '';
ALTER TABLE report ADD COLUMN about_identity TEXT NOT NULL DEFAULT '';
UPDATE report SET about = message.author, about_identity = message.author_identity
FROM message WHERE message.id = msg_id;
CREATE INDEX report_open ON report (about_identity, about) WHERE status NOT IN ('resolved', 'withdrawn');

-- The secret key that derives the IDs of people for the site from their identities; never sent to anyone.
ALTER TABLE server ADD COLUMN id_key TEXT NOT NULL DEFAULT '';
UPDATE server SET id_key = lower(hex(randomblob(32)));
"""
NONCES = """
-- A nonce counts for a day; after that it may be used again.
DROP INDEX message_nonce;
CREATE INDEX message_nonce ON message (author_identity, nonce) WHERE nonce IS NOT NULL;
"""
FOLDED = """
-- Texts as `rules.search.fold` returns them: the index, short words and phrases are all compared with this form.
ALTER TABLE message ADD COLUMN folded TEXT NOT NULL DEFAULT '';
UPDATE message SET folded = fold(text) WHERE taken_back_at IS NULL;
DROP TABLE message_text;
CREATE VIRTUAL TABLE message_text
USING fts5 (folded, content = 'message', content_rowid = 'id', tokenize = 'trigram', detail = 'none');
INSERT INTO message_text (rowid, folded) SELECT id, folded FROM message WHERE taken_back_at IS NULL;
DROP TRIGGER message_said;
DROP TRIGGER message_unsaid;
DROP TRIGGER message_gone;
CREATE TRIGGER message_stored AFTER INSERT ON message BEGIN
    INSERT INTO message_text (rowid, folded) VALUES (new.id, new.folded);
END;
CREATE TRIGGER message_taken_back AFTER UPDATE OF taken_back_at ON message
WHEN old.taken_back_at IS NULL AND new.taken_back_at IS NOT NULL BEGIN
    INSERT INTO message_text (message_text, rowid, folded) VALUES ('delete', old.id, old.folded);
    UPDATE message SET folded = '' WHERE id = old.id;
END;
CREATE TRIGGER message_deleted AFTER DELETE ON message WHEN old.taken_back_at IS NULL BEGIN
    INSERT INTO message_text (message_text, rowid, folded) VALUES ('delete', old.id, old.folded);
END;
"""
EDITS = """
-- Earlier texts of edited messages, and when each was set; the current text is in the table message.
ALTER TABLE message ADD COLUMN edited_at INTEGER;
CREATE INDEX message_edited ON message (edited_at) WHERE edited_at IS NOT NULL;
CREATE TABLE message_version (
    msg_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    since INTEGER NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (msg_id, number)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER message_edited_text AFTER UPDATE OF folded ON message
WHEN new.taken_back_at IS NULL AND old.folded != new.folded BEGIN
    INSERT INTO message_text (message_text, rowid, folded) VALUES ('delete', old.id, old.folded);
    INSERT INTO message_text (rowid, folded) VALUES (new.id, new.folded);
END;
CREATE TRIGGER message_versions_gone AFTER DELETE ON message WHEN old.edited_at IS NOT NULL BEGIN
    DELETE FROM message_version WHERE msg_id = old.id;
END;
-- Evidence of a deleted message is kept for a while, and then erased with its earlier texts.
CREATE TRIGGER message_versions_erased AFTER UPDATE OF text ON message
WHEN new.text = '' AND new.edited_at IS NOT NULL BEGIN
    UPDATE message_version SET text = '' WHERE msg_id = new.id;
END;
"""
GATHERED_REPORTS = """
-- The delivery that carries this one, because both are about one message.
ALTER TABLE delivery ADD COLUMN gathered_in TEXT;
CREATE INDEX delivery_gathered ON delivery (gathered_in) WHERE gathered_in IS NOT NULL;
CREATE INDEX report_message ON report (msg_id);
"""
WITHHELD = """
-- Messages that a filter withheld, kept while their nonces count. Their numbers are those of messages.
CREATE TABLE withheld (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    author TEXT NOT NULL,
    author_identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    peer TEXT,
    peer_identity TEXT,
    text TEXT NOT NULL,
    nonce TEXT
) STRICT;
CREATE INDEX withheld_nonce ON withheld (author_identity, nonce) WHERE nonce IS NOT NULL;
"""
BANS = """
-- Bans, each until a time in milliseconds; `key` is the same for all spellings of the name.
CREATE TABLE ban (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    until INTEGER NOT NULL,
    by_name TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
MEMBERS = """
-- Members of the site, who signed in with a token: their names stay reserved while they are away.
CREATE TABLE member (
    identity TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX member_seen ON member (seen_at);

-- Whom the site has blocked for a member; replaced as a whole.
CREATE TABLE site_block (
    identity TEXT NOT NULL,
    other TEXT NOT NULL,
    other_name TEXT NOT NULL,
    PRIMARY KEY (identity, other)
) STRICT, WITHOUT ROWID;
"""
MESSAGE_CHANGES = """
-- Number of changes to what stored messages show, by any process, so that copies of them know whether they are
-- current. New messages do not count; a reaction sets reacted_at.
CREATE TABLE message_changes (number INTEGER NOT NULL) STRICT;
INSERT INTO message_changes VALUES (0);
CREATE TRIGGER message_shown_otherwise
AFTER UPDATE OF at, author, author_identity, channel, peer, text, nonce, taken_back_at, reacted_at, edited_at ON message
BEGIN
    UPDATE message_changes SET number = number + 1;
END;
CREATE TRIGGER message_not_shown AFTER DELETE ON message BEGIN
    UPDATE message_changes SET number = number + 1;
END;
CREATE TRIGGER reaction_not_shown AFTER DELETE ON reaction BEGIN
    UPDATE message_changes SET number = number + 1;
END;
"""
WAITING_MESSAGES = """
-- A direct message that is deleted once it is delivered.
ALTER TABLE message ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_waiting ON message (peer_identity, id) WHERE waiting = 1;
CREATE INDEX message_direct_at ON message (at) WHERE peer IS NOT NULL;
"""
INDEX_BEHIND = """
-- The search index has the messages up to this number; a search scans later ones. `traces`: where parts of erased texts
-- may still be, see indexing.Traces; a file from before this step may have some.
CREATE TABLE search_index (up_to INTEGER NOT NULL, traces INTEGER NOT NULL DEFAULT 1) STRICT;
INSERT INTO search_index (up_to) SELECT coalesce(max(id), 0) FROM message;
DROP TRIGGER message_stored;
DROP TRIGGER message_taken_back;
DROP TRIGGER message_deleted;
DROP TRIGGER message_edited_text;
CREATE TRIGGER message_taken_back AFTER UPDATE OF taken_back_at ON message
WHEN old.taken_back_at IS NULL AND new.taken_back_at IS NOT NULL BEGIN
    INSERT INTO message_text (message_text, rowid, folded)
    SELECT 'delete', old.id, old.folded FROM search_index WHERE up_to >= old.id;
    UPDATE message SET folded = '' WHERE id = old.id;
END;
CREATE TRIGGER message_deleted AFTER DELETE ON message WHEN old.taken_back_at IS NULL BEGIN
    INSERT INTO message_text (message_text, rowid, folded)
    SELECT 'delete', old.id, old.folded FROM search_index WHERE up_to >= old.id;
END;
CREATE TRIGGER message_edited_text AFTER UPDATE OF folded ON message
WHEN new.taken_back_at IS NULL AND old.folded != new.folded BEGIN
    INSERT INTO message_text (message_text, rowid, folded)
    SELECT 'delete', old.id, old.folded FROM search_index WHERE up_to >= old.id;
    INSERT INTO message_text (rowid, folded) SELECT new.id, new.folded FROM search_index WHERE up_to >= new.id;
END;
CREATE TRIGGER message_text_erased AFTER UPDATE OF text ON message WHEN new.text = '' AND old.text != '' BEGIN
    UPDATE search_index SET traces = iif(up_to >= old.id, 1, iif(traces, traces, 3));
END;
-- A message without folded text either is not searchable, or was deleted: only that one was in the index.
CREATE TRIGGER message_text_deleted AFTER DELETE ON message WHEN old.text != '' BEGIN
    UPDATE search_index SET traces = iif(
        up_to >= old.id AND (old.folded != '' OR old.taken_back_at IS NOT NULL), 1, iif(traces, traces, 3)
    );
END;
"""
NOTIFIED = """
ALTER TABLE report RENAME COLUMN told TO notified;
DROP INDEX report_untold;
CREATE INDEX report_unnotified ON report (reporter_identity) WHERE notified = 0;
"""
NUMBERING = """
-- The place of the webhook among those that receive the row; the first one decides the status of the report.
ALTER TABLE delivery ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
UPDATE delivery SET place = rowid;
-- Numbers can be assigned before the first message is stored.
INSERT INTO sqlite_sequence (name, seq) SELECT 'message', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'message');
"""
STEPS = (
    SCHEMA,
    REPORTS,
    PEOPLE,
    BLOCKS,
    OPEN_REPORTS,
    SMALLER_INDEX,
    LOGIN_KEYS,
    OWN_FILE,
    RECOVERY,
    READ_MARKERS,
    RETENTION,
    RESERVED_NAMES,
    NONCES,
    FOLDED,
    EDITS,
    GATHERED_REPORTS,
    WITHHELD,
    BANS,
    MEMBERS,
    MESSAGE_CHANGES,
    WAITING_MESSAGES,
    INDEX_BEHIND,
    NOTIFIED,
    NUMBERING,
)
"""The upgrade from each version to the next; a new file runs all of them."""


FOREIGN = "not a Flagpost database"
DAMAGED = "database disk image is malformed"
"""SQLite's words for a damaged file."""
TABLES = {"epoch": {"name"}, "message": {"author_identity", "peer_identity", "nonce"}}
"""Tables and columns of all versions of the schema: they identify even a file that is older than APPLICATION_ID."""


def connect(path: str) -> SqliteConnection:
    """Open or create the file. Raises sqlite3.Error, including if it belongs to another program."""
    connection = open_as_it_is(path)
    try:
        # Check this before anything is written.
        if _is_foreign(connection):
            raise sqlite3.DatabaseError(FOREIGN)
        # This setting is persistent.
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_as_it_is(path: str) -> SqliteConnection:
    """Open the file without modifying it: it may be archived evidence, or not a Flagpost database."""
    # Each connection is used by one thread at a time by design, so sqlite3's own check is not needed.
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, factory=SqliteConnection
    )
    try:
        # FULL: confirmed data also survives a power failure; group commit pays for it once per burst.
        connection.execute("PRAGMA synchronous = FULL")
        # Overwrite what is deleted.
        connection.execute("PRAGMA secure_delete = ON")
    except UnicodeDecodeError:
        # SQLite quotes the damaged part of the schema.
        connection.close()
        raise sqlite3.DatabaseError(DAMAGED) from None
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def prepare(connection: SqliteConnection) -> StoredRoom:
    """Create the tables, or upgrade them."""
    version = _version(connection)
    if not 0 <= version <= len(STEPS):
        raise sqlite3.DatabaseError(misfit(connection))
    epoch = f"INSERT INTO epoch VALUES ('{secrets.token_hex(8)}');" if version == 0 else ""  # noqa: S608 - hexadecimal
    if version < len(STEPS):
        _upgrade(connection, f"{''.join(STEPS[version:])} {epoch}")
    # The last number ever assigned: its message may have been deleted since.
    last = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'message'"
    query = f"SELECT name, ({last}), server.id, id_key FROM epoch, server"  # noqa: S608 - a constant
    found = connection.execute(query).fetchone()
    if found is None:
        raise sqlite3.DatabaseError(DAMAGED)
    return StoredRoom(*found)


def misfit(connection: SqliteConnection) -> str | None:
    """Return why this version cannot use the file, and what to do; None if it can. Changes nothing."""
    if _is_foreign(connection):
        return f"{FOREIGN}; choose another file in the settings"
    version = _version(connection)
    if 0 <= version < len(STEPS):
        return f"from an older version of Flagpost (schema {version}, not {len(STEPS)}); start the server to upgrade it"
    if version != len(STEPS):
        return f"from a newer version of Flagpost (schema {version}, not {len(STEPS)}); use that version"
    return None


def _upgrade(connection: SqliteConnection, steps: str) -> None:
    # For the step FOLDED.
    connection.create_function("fold", 1, fold, deterministic=True)
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {len(STEPS)}; COMMIT")
    except sqlite3.OperationalError:
        # If two processes start at once, the second one finds the upgrade done.
        connection.rollback()
        if _version(connection) != len(STEPS):
            raise


def _is_foreign(connection: SqliteConnection) -> bool:
    """Return whether the file belongs to another program; an empty file does not."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application not in {0, APPLICATION_ID}:
        return True
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not objects:
        return bool(application or _version(connection))
    columns = "SELECT name FROM pragma_table_info(?)"
    found = {table: {name for (name,) in connection.execute(columns, (table,))} for table in TABLES}
    return any(not names <= found[table] for table, names in TABLES.items())


def _version(connection: SqlConnection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)
