"""The tables of a new room in PostgreSQL: those of `server.storage.schema`, and those for several servers."""

from server.storage.postgres import functions

ROOM = """
-- Each write locks this row first, so that numbers follow the order of the commits.
CREATE TABLE room (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch TEXT NOT NULL,
    -- The last numbers ever assigned: of a message, of a row of the trail, and of news.
    message bigint NOT NULL DEFAULT 0,
    trail bigint NOT NULL DEFAULT 0,
    news bigint NOT NULL DEFAULT 0,
    -- How often names have come into use, see `server.storage.presence`.
    names_changed bigint NOT NULL DEFAULT 0,
    schema integer NOT NULL,
    -- The oldest schema whose servers can keep running.
    schema_min integer NOT NULL
) WITH (fillfactor = 10);

-- The servers of the room. `beat` is when each last wrote, `batch` what it committed last, so that it can find out
-- about a COMMIT whose answer was lost.
CREATE TABLE node (
    id TEXT PRIMARY KEY,
    beat bigint NOT NULL,
    batch TEXT NOT NULL DEFAULT '',
    -- The last message and news before that batch, and its time.
    batch_message bigint NOT NULL DEFAULT 0,
    batch_news bigint NOT NULL DEFAULT 0,
    batch_at bigint NOT NULL DEFAULT 0,
    started_at bigint NOT NULL DEFAULT 0,
    address TEXT NOT NULL DEFAULT '',
    version TEXT NOT NULL DEFAULT '',
    -- The longest time for which it held the lock of the room recently, in milliseconds.
    longest_lock bigint NOT NULL DEFAULT 0,
    -- The value of `room.names_changed` when a name last came into use on this server.
    names_changed bigint NOT NULL DEFAULT 0,
    -- Digests of its settings by name, so that others notice if theirs differ.
    settings TEXT NOT NULL DEFAULT ''
) WITH (fillfactor = 10);

-- Who is in the room, on which server. `key` is the same for all spellings of the name; `entry` describes the person to
-- others.
CREATE TABLE presence (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    node TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    session bigint NOT NULL,
    number bigint NOT NULL,
    rank integer NOT NULL,
    member integer NOT NULL,
    entry TEXT NOT NULL
);
CREATE INDEX presence_node ON presence (node);
CREATE INDEX presence_identity ON presence (identity);

-- Events for every server, in the order of the commits; deleted after a while. `ref` is the number of a message.
CREATE TABLE news (
    seq bigint PRIMARY KEY,
    kind TEXT NOT NULL,
    ref bigint NOT NULL DEFAULT 0,
    body TEXT NOT NULL DEFAULT '',
    at bigint NOT NULL
);
"""
FUNCTIONS = """
-- SQLite's functions, for the SQL that both understand. PostgreSQL replaces a call by its body.
CREATE FUNCTION json_each(list text) RETURNS TABLE (key bigint, value text) LANGUAGE sql STABLE AS
    'SELECT number - 1, element FROM json_array_elements_text(list::json) WITH ORDINALITY AS each (element, number)';
CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT strpos(whole, part)';

-- Without gaps, because the row is locked until the commit.
CREATE FUNCTION next_message() RETURNS bigint LANGUAGE sql VOLATILE AS
    'UPDATE room SET message = message + 1 RETURNING message';
"""
MESSAGES = """
CREATE TABLE message (
    id bigint PRIMARY KEY DEFAULT next_message(),
    at bigint NOT NULL,
    author TEXT NOT NULL,
    author_identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    author_key TEXT NOT NULL,
    peer TEXT,
    peer_identity TEXT,
    peer_key TEXT,
    text TEXT NOT NULL,
    nonce TEXT,
    -- In milliseconds. The text of a deleted message is kept for reports, and emptied later.
    taken_back_at bigint,
    reacted_at bigint,
    -- Texts as `rules.search.fold` returns them, and what a search compares.
    folded TEXT NOT NULL DEFAULT '',
    edited_at bigint,
    -- A direct message that is deleted once it is delivered.
    waiting bigint NOT NULL DEFAULT 0
);
CREATE INDEX message_channel ON message (channel, id) WHERE peer IS NULL;
CREATE INDEX message_sent ON message (author_identity, peer_key, id) WHERE peer IS NOT NULL;
CREATE INDEX message_received ON message (peer_identity, author_key, id) WHERE peer IS NOT NULL;
CREATE INDEX message_direct ON message (peer_identity, id) WHERE peer IS NOT NULL;
CREATE INDEX message_direct_at ON message (at) WHERE peer IS NOT NULL;
CREATE INDEX message_waiting ON message (peer_identity, id) WHERE waiting = 1;
-- With the number, so that the latest one is found without sorting, whatever is known about the table.
CREATE INDEX message_nonce ON message (author_identity, nonce, id) WHERE nonce IS NOT NULL;
CREATE INDEX message_without_nonce ON message (author_identity) WHERE nonce IS NULL;
CREATE INDEX message_taken_back ON message (taken_back_at) WHERE taken_back_at IS NOT NULL;
CREATE INDEX message_reacted ON message (reacted_at) WHERE reacted_at IS NOT NULL;
CREATE INDEX message_edited ON message (edited_at) WHERE edited_at IS NOT NULL;

-- Earlier texts of edited messages, and when each was set; the current text is in the table message.
CREATE TABLE message_version (
    msg_id bigint NOT NULL,
    number bigint NOT NULL,
    since bigint NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (msg_id, number)
);
CREATE TABLE reaction (
    msg_id bigint NOT NULL,
    identity TEXT NOT NULL,
    emoji TEXT NOT NULL,
    name TEXT NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (msg_id, identity, emoji)
);
-- Messages that a filter withheld, kept while their nonces count. Their numbers are those of messages.
CREATE TABLE withheld (
    id bigint PRIMARY KEY,
    at bigint NOT NULL,
    author TEXT NOT NULL,
    author_identity TEXT NOT NULL,
    channel TEXT NOT NULL,
    peer TEXT,
    peer_identity TEXT,
    text TEXT NOT NULL,
    nonce TEXT
);
CREATE INDEX withheld_nonce ON withheld (author_identity, nonce) WHERE nonce IS NOT NULL;

-- Number of changes to what stored messages show, by any process, so that copies of them know whether they are
-- current. New messages do not count; a reaction sets reacted_at.
CREATE TABLE message_changes (number bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO message_changes VALUES (0);
"""
TRIGGERS = """
CREATE FUNCTION count_message_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE message_changes SET number = number + 1;
    RETURN NULL;
END $$;
CREATE TRIGGER message_shown_otherwise
AFTER UPDATE OF at, author, author_identity, channel, peer, text, nonce, taken_back_at, reacted_at, edited_at ON message
FOR EACH ROW EXECUTE FUNCTION count_message_change();
CREATE TRIGGER message_not_shown AFTER DELETE ON message FOR EACH ROW EXECUTE FUNCTION count_message_change();
CREATE TRIGGER reaction_not_shown AFTER DELETE ON reaction FOR EACH ROW EXECUTE FUNCTION count_message_change();

-- No search finds a deleted message.
CREATE FUNCTION empty_folded() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    new.folded := '';
    RETURN new;
END $$;
CREATE TRIGGER message_taken_back BEFORE UPDATE OF taken_back_at ON message FOR EACH ROW
WHEN (old.taken_back_at IS NULL AND new.taken_back_at IS NOT NULL) EXECUTE FUNCTION empty_folded();

CREATE FUNCTION delete_versions() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM message_version WHERE msg_id = old.id;
    RETURN NULL;
END $$;
CREATE TRIGGER message_versions_gone AFTER DELETE ON message FOR EACH ROW
WHEN (old.edited_at IS NOT NULL) EXECUTE FUNCTION delete_versions();

-- Evidence of a deleted message is kept for a while, and then erased with its earlier texts.
CREATE FUNCTION erase_versions() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE message_version SET text = '' WHERE msg_id = new.id;
    RETURN NULL;
END $$;
CREATE TRIGGER message_versions_erased AFTER UPDATE OF text ON message FOR EACH ROW
WHEN (new.text = '' AND new.edited_at IS NOT NULL) EXECUTE FUNCTION erase_versions();

-- The last number remains known if its row is deleted by hand.
CREATE FUNCTION count_trail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE room SET trail = greatest(trail, new.seq);
    RETURN NULL;
END $$;
"""
REPORTS = """
-- All events of all reports, in one hash chain; append-only.
CREATE TABLE trail (
    seq bigint PRIMARY KEY,
    report_id TEXT NOT NULL,
    at bigint NOT NULL,
    content TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE INDEX trail_report ON trail (report_id, seq);
CREATE TRIGGER trail_counted AFTER INSERT ON trail FOR EACH ROW EXECUTE FUNCTION count_trail();

-- The status of each report; its content is in the trail, at the seq of its first row.
CREATE TABLE report (
    id TEXT PRIMARY KEY,
    seq bigint NOT NULL,
    reporter TEXT NOT NULL,
    reporter_identity TEXT NOT NULL,
    msg_id bigint NOT NULL,
    status TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    next_at bigint,
    note TEXT NOT NULL DEFAULT '',
    nonce TEXT,
    notified bigint NOT NULL DEFAULT 1,
    -- Whether the message was deleted before the report, so that only the site may see its text.
    taken_back bigint NOT NULL DEFAULT 0,
    -- Whom a report is about: the author of the message, under the name of that time.
    about TEXT NOT NULL DEFAULT '',
    about_identity TEXT NOT NULL DEFAULT '',
    UNIQUE (reporter_identity, msg_id)
);
CREATE INDEX report_unnotified ON report (reporter_identity) WHERE notified = 0;
CREATE INDEX report_open ON report (about_identity, about) WHERE status NOT IN ('resolved', 'withdrawn');
CREATE INDEX report_message ON report (msg_id);
CREATE INDEX report_seq ON report (seq);

-- The delivery of one trail row to one webhook. `id` is the webhook-id header.
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    seq bigint NOT NULL,
    report_id TEXT NOT NULL,
    webhook TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts bigint NOT NULL DEFAULT 0,
    due bigint NOT NULL,
    asked_to_wait bigint NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    changed_at bigint NOT NULL,
    holder TEXT,
    leased_at bigint NOT NULL DEFAULT 0,
    leased_until bigint NOT NULL DEFAULT 0,
    -- The delivery that carries this one, because both are about one message.
    gathered_in TEXT,
    -- The place of the webhook among those that receive the row; the first one decides the status of the report.
    place bigint NOT NULL DEFAULT 0
);
CREATE INDEX delivery_due ON delivery (webhook, due) WHERE state = 'waiting';
CREATE INDEX delivery_report ON delivery (report_id);
CREATE INDEX delivery_under_way ON delivery (report_id, seq) WHERE holder IS NOT NULL;
CREATE INDEX delivery_open ON delivery (webhook) WHERE state IN ('waiting', 'given-up');
CREATE INDEX delivery_gathered ON delivery (gathered_in) WHERE gathered_in IS NOT NULL;
CREATE INDEX delivery_seq ON delivery (seq);

CREATE TABLE attempt (
    id bigint PRIMARY KEY,
    delivery_id TEXT NOT NULL,
    at bigint NOT NULL,
    milliseconds bigint NOT NULL,
    status bigint,
    answer TEXT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX attempt_delivery ON attempt (delivery_id, id);
CREATE INDEX attempt_at ON attempt (at);
CREATE FUNCTION next_attempt() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT coalesce(max(id), 0) + 1 FROM attempt';
ALTER TABLE attempt ALTER id SET DEFAULT next_attempt();

-- Breaker and pause of each webhook; a webhook without a row has neither.
CREATE TABLE webhook (
    name TEXT PRIMARY KEY,
    failures bigint NOT NULL DEFAULT 0,
    opened_at bigint NOT NULL DEFAULT 0,
    open_until bigint NOT NULL DEFAULT 0,
    paused TEXT NOT NULL DEFAULT '',
    -- When the site last accepted a delivery after failures: what failed before that is sent again at once.
    recovered_at bigint NOT NULL DEFAULT 0
);
"""
PEOPLE = """
-- `id` is a stable ID of the server; unlike the epoch it survives a restore. `id_key` is the secret key that derives
-- the IDs of people for the site from their identities; never sent to anyone.
CREATE TABLE server (id TEXT NOT NULL, id_key TEXT NOT NULL);

-- Everyone who was here, so that others can write to them while they are away. What was said up to `read_from`, before
-- a person first joined, counts as read.
CREATE TABLE person (
    identity TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at bigint NOT NULL,
    last_message bigint NOT NULL,
    read_from bigint NOT NULL DEFAULT 0
);
CREATE INDEX person_seen ON person (seen_at);

-- Mutes, which hide messages in one direction, and blocks, which hide two people from each other: neither of the two
-- can request messages later than `after`.
CREATE TABLE hidden (
    identity TEXT NOT NULL,
    other TEXT NOT NULL,
    other_name TEXT NOT NULL,
    blocked bigint NOT NULL,
    after bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, other)
);

-- The keys with which people prove their identity. `kept`: the person has stored data, so the key is never deleted.
CREATE TABLE login_key (
    identity TEXT PRIMARY KEY,
    stored_key bytea NOT NULL,
    server_key bytea NOT NULL,
    seen_at bigint NOT NULL,
    kept bigint NOT NULL DEFAULT 0
);
CREATE INDEX login_key_seen ON login_key (seen_at) WHERE kept = 0;

-- How far a person has read a channel, or (with an @ and the key of the name) a conversation, and the last message of a
-- conversation when it was closed.
CREATE TABLE read_marker (
    identity TEXT NOT NULL,
    place TEXT NOT NULL,
    msg_id bigint NOT NULL,
    closed_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (identity, place)
);

-- The names of people who can return, and when they last held them, in milliseconds; NULL: they are here.
CREATE TABLE held_name (
    identity TEXT NOT NULL,
    name TEXT NOT NULL,
    held_at bigint,
    PRIMARY KEY (identity, name)
);
CREATE INDEX held_name_at ON held_name (held_at);

-- Bans, each until a time in milliseconds; `key` is the same for all spellings of the name.
CREATE TABLE ban (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL,
    until bigint NOT NULL,
    by_name TEXT NOT NULL,
    at bigint NOT NULL
);

-- Members of the site, who signed in with a token: their names stay reserved while they are away.
CREATE TABLE member (
    identity TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    seen_at bigint NOT NULL
);
CREATE INDEX member_seen ON member (seen_at);

-- Whom the site has blocked for a member; replaced as a whole.
CREATE TABLE site_block (
    identity TEXT NOT NULL,
    other TEXT NOT NULL,
    other_name TEXT NOT NULL,
    PRIMARY KEY (identity, other)
);
"""
SEARCH = """
-- Three letters are a token, to find parts of words. Searches read the pending entries, so these are kept few.
CREATE INDEX message_folded ON message USING gin (folded {extension}.gin_trgm_ops) WITH (gin_pending_list_limit = 256);
"""
ALL = ROOM + FUNCTIONS + MESSAGES + TRIGGERS + REPORTS + PEOPLE + SEARCH + functions.FUNCTIONS
TABLES = ALL.replace("TEXT", 'text COLLATE "C"')
"""`{extension}` is the schema of pg_trgm. "C" compares bytes, as SQLite does, whatever the language of the database."""
