"""A run of new messages, stored by one call of a function in the database."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import msgspec

from server.protocol import names
from server.rules.messages import NONCE_MILLISECONDS, MessageDraft, Publication, check_resend
from server.rules.refusal import Refusal
from server.rules.search import fold
from server.storage import message_rows, messages
from server.storage.base import Published
from server.storage.clock import moment
from server.storage.events import StoredChange
from server.storage.pending import PendingWrite
from server.storage.postgres.attempts import Node, is_stored
from server.storage.postgres.connection import PostgresConnection
from server.storage.postgres.hearing import Commit

PUBLISH = "SELECT * FROM publish(?, ?, nullif(?, '')::bigint, ?, ?)"
MICROSECONDS = 1_000_000
TRUE = b"t"


class PendingPublish(PendingWrite[Published]):
    """One call of `Database.publish`."""

    def __init__(self, draft: MessageDraft, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(partial(messages.publish, draft), loop)
        self.draft = draft


class _Draft(msgspec.Struct):
    """A message in the form that the function `publish` expects."""

    author: str
    author_identity: str
    channel: str
    peer: str | None
    peer_identity: str | None
    text: str
    nonce: str | None
    author_key: str
    peer_key: str | None
    folded: str


class Publishing:
    """A batch of messages in one transaction, which can be repeated: the database knows the batch by its token."""

    def __init__(self, batch: Sequence[PendingPublish], node: Node, token: str) -> None:
        """`token` identifies the batch, and is greater than the token of every earlier batch of this node."""
        self._batch = batch
        self._node = node
        self._token = token
        self.in_doubt = False
        """See Transaction."""

    def run(self, connection: PostgresConnection) -> Commit:
        """Store the messages, or find out what became of an earlier attempt. Raises FencedError and any other error."""
        drafts = msgspec.json.encode([_draft(write.draft) for write in self._batch])
        self.in_doubt = self.in_doubt and is_stored(self._token, self._node, connection)
        called_at = time.perf_counter()
        now = self._node.now()
        values = self._node.id, self._token, "" if now is None else str(now), str(NONCE_MILLISECONDS)
        rows = connection.call(PUBLISH, [*map(str.encode, values), drafts])
        # Stored, until the writer knows what.
        self.in_doubt = True
        at, before, waited = (int(column or 0) for column in rows[0][2:])
        self._node.lock_use.add(time.perf_counter() - called_at - waited / MICROSECONDS)
        answers = [(int(msg_id or 0), fresh == TRUE) for msg_id, fresh, *_ in rows]
        resent = [msg_id for msg_id, fresh in answers if not fresh]
        stored = {each.msg_id: each for each in message_rows.find_all(resent, connection)} if resent else {}
        events = []
        for write, (msg_id, fresh) in zip(self._batch, answers, strict=True):
            publication = _publication(write.draft, msg_id, at)
            if fresh:
                write.result = Published(publication, fresh=True)
                events.append(StoredChange(publication))
            else:
                # If its row is missing, the message was deleted just now.
                write.result = _resent(stored.get(msg_id, publication), write.draft)
        return Commit(before, before + len(events), at, events)


def _publication(draft: MessageDraft, msg_id: int, at: int) -> Publication:
    return Publication(msg_id, moment(at), draft.author, draft.channel, draft.peer, draft.text, draft.nonce)


def _resent(before: Publication, draft: MessageDraft) -> Published | Refusal:
    try:
        return Published(check_resend(before, draft), fresh=False)
    except Refusal as refusal:
        return refusal


def _draft(draft: MessageDraft) -> _Draft:
    name, identity = draft.peer or (None, None)
    return _Draft(
        author=draft.author.name,
        author_identity=draft.author.identity,
        channel=draft.channel,
        peer=name,
        peer_identity=identity,
        text=draft.text,
        nonce=draft.nonce,
        author_key=names.key(draft.author.name),
        peer_key=names.key(name) if name else None,
        folded=fold(draft.text),
    )
