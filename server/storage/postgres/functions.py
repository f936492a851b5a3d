"""Database functions: work that needs the room's lock is a single call, so that a node that stops delays no other."""

FENCED = "FL001"
"""The SQLSTATE for a server that the other servers have removed, or that repeats an outdated call."""

FUNCTIONS = """
CREATE FUNCTION channel(purpose text) RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT 'flagpost_' || purpose || '_' || current_schema()::regnamespace::oid $$;

CREATE FUNCTION now_milliseconds() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint $$;

CREATE FUNCTION raise_fenced() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'the other servers have removed this one' USING ERRCODE = 'FL001';
END $$;

-- Lock the room, and note which batch is being written. `fixed`: the time, if not the database's.
CREATE FUNCTION begin_write(of_node text, this_batch text, fixed bigint, OUT moment bigint, OUT last_news bigint)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT news INTO last_news FROM room FOR UPDATE;
    moment := now_milliseconds();
    UPDATE node SET beat = moment, batch = this_batch WHERE id = of_node AND batch <= this_batch;
    IF NOT FOUND THEN PERFORM raise_fenced(); END IF;
    moment := coalesce(fixed, moment);
END $$;

-- Wait for a write in progress, and return the last batch of a node; NULL if it was removed.
CREATE FUNCTION last_batch(of_node text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM room FOR UPDATE;
    RETURN (SELECT batch FROM node WHERE id = of_node);
END $$;

-- Each node listens to a channel of its own, because it receives its own events from its writer.
CREATE FUNCTION wake_others(of_node text, last_news bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(channel(id), last_news::text) FROM node WHERE id <> of_node;
END $$;

-- `items`: JSON objects with kind, ref and body.
CREATE FUNCTION store_news(of_node text, moment bigint, items text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
BEGIN
    SELECT news INTO last FROM room;
    INSERT INTO news (seq, kind, ref, body, at)
    SELECT last + number, kind, ref, body, moment
    FROM ROWS FROM (json_to_recordset(items::json) AS (kind text, ref bigint, body text)) WITH ORDINALITY
        AS item (kind, ref, body, number);
    UPDATE room SET news = last + json_array_length(items::json) RETURNING news INTO last;
    PERFORM wake_others(of_node, last);
END $$;

-- Store messages, and return for each draft its number, and whether it is fresh, with the time, the last news before
-- them, and the microseconds that it waited for the lock. Repeated with the same batch, it returns the same again.
CREATE FUNCTION publish(of_node text, this_batch text, fixed bigint, nonce_lasts bigint, drafts text)
RETURNS TABLE (msg_id bigint, fresh boolean, moment bigint, news_before bigint, waited bigint) LANGUAGE plpgsql AS $$
DECLARE
    of_room record;
    of_batch record;
    draft record;
    last bigint;
    stored bigint;
    repeated boolean;
BEGIN
    SELECT message, news INTO of_room FROM room FOR UPDATE;
    waited := extract(epoch FROM clock_timestamp() - statement_timestamp()) * 1000000;
    SELECT batch, batch_message, batch_news, batch_at INTO of_batch FROM node WHERE id = of_node;
    IF of_batch.batch IS NULL OR of_batch.batch > this_batch THEN PERFORM raise_fenced(); END IF;
    repeated := of_batch.batch = this_batch;
    IF repeated THEN
        last := of_batch.batch_message;
        news_before := of_batch.batch_news;
        moment := of_batch.batch_at;
    ELSE
        last := of_room.message;
        news_before := of_room.news;
        moment := coalesce(fixed, now_milliseconds());
        UPDATE node SET beat = now_milliseconds(), batch = this_batch,
            batch_message = last, batch_news = news_before, batch_at = moment WHERE id = of_node;
    END IF;
    FOR draft IN SELECT * FROM json_to_recordset(drafts::json) AS each (author text, author_identity text, channel text,
        peer text, peer_identity text, text text, nonce text, author_key text, peer_key text, folded text)
    LOOP
        SELECT id INTO msg_id FROM message
        WHERE author_identity = draft.author_identity AND nonce = draft.nonce AND at > moment - nonce_lasts
        ORDER BY id DESC LIMIT 1;
        fresh := msg_id IS NULL OR (repeated AND msg_id = last + 1);
        IF fresh THEN
            last := last + 1;
            msg_id := last;
            IF NOT repeated THEN
                INSERT INTO message (id, at, author, author_identity, channel, peer, peer_identity, text, nonce,
                    author_key, peer_key, folded)
                VALUES (last, moment, draft.author, draft.author_identity, draft.channel, draft.peer,
                    draft.peer_identity, draft.text, draft.nonce, draft.author_key, draft.peer_key, draft.folded);
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    stored := last - of_room.message;
    IF NOT repeated AND stored > 0 THEN
        INSERT INTO news (seq, kind, ref, at)
        SELECT news_before + number, 'StoredChange', of_room.message + number, moment
        FROM generate_series(1, stored) AS number;
        UPDATE room SET message = last, news = news_before + stored;
        PERFORM wake_others(of_node, news_before + stored);
    END IF;
END $$;

-- Claim a place for a person, and store that they joined, unless names have come into use on other servers since
-- `known`. `replaced`: the guest from whom a member takes the name. Names are as in server.storage.presence.
CREATE FUNCTION claim(of_node text, known bigint, moment bigint, of_key text, of_name text, of_identity text,
    of_session bigint, of_rank bigint, is_member bigint, returns bigint, of_entry text,
    OUT outdated bigint, OUT number bigint, OUT last_message bigint, OUT read_from bigint, OUT changes bigint,
    OUT replaced_name text, OUT replaced_identity text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT max(names_changed) INTO outdated FROM node WHERE id <> of_node;
    IF outdated > known THEN RETURN; END IF;
    outdated := NULL;
    UPDATE room SET names_changed = names_changed + 1 RETURNING names_changed INTO number;
    UPDATE node SET names_changed = number WHERE id = of_node;
    IF is_member = 1 THEN
        SELECT p.name, p.identity INTO replaced_name, replaced_identity FROM presence p
        WHERE p.key = of_key AND p.identity <> of_identity;
        INSERT INTO member (identity, name, seen_at) VALUES (of_identity, of_name, moment)
        ON CONFLICT (identity) DO UPDATE SET name = excluded.name, seen_at = excluded.seen_at;
    END IF;
    INSERT INTO presence (key, name, identity, node, session, number, rank, member, entry)
    VALUES (of_key, of_name, of_identity, of_node, of_session, claim.number, of_rank, is_member, of_entry)
    ON CONFLICT (key) DO UPDATE SET name = excluded.name, identity = excluded.identity, node = excluded.node,
        session = excluded.session, number = excluded.number, rank = excluded.rank, member = excluded.member,
        entry = excluded.entry;
    IF returns = 1 THEN
        INSERT INTO held_name (identity, name) VALUES (of_identity, of_name)
        ON CONFLICT (identity, name) DO UPDATE SET held_at = NULL;
    END IF;
    SELECT p.last_message, p.read_from INTO last_message, read_from FROM person p WHERE p.identity = of_identity;
    IF FOUND THEN
        UPDATE person SET name = of_name, seen_at = moment WHERE identity = of_identity;
    ELSE
        SELECT coalesce(max(id), 0) INTO read_from FROM message;
        INSERT INTO person (identity, name, seen_at, last_message, read_from)
        VALUES (of_identity, of_name, moment, 0, claim.read_from);
    END IF;
    UPDATE login_key SET seen_at = moment WHERE identity = of_identity;
    SELECT c.number INTO changes FROM message_changes c;
END $$;
"""
