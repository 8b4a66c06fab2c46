"""The bucket beside a queue in PostgreSQL: made as configured; what is heard of it is passed on."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from ulak import config as settings
from ulak.journal.entry import Entry, Kind
from ulak.log import Event
from ulak.queue.spilling import SpillingStore
from ulak.queue.store import QueueStore, StorageError

if TYPE_CHECKING:  # psycopg and obstore are large, and only those who use them have them
    from ulak.app.parts import Parts
    from ulak.queue.postgres.bucket import Bucket, Word
    from ulak.queue.postgres.fetching import Fetching, Unread


def bucket_of(chosen: settings.Config) -> Bucket | None:
    """Make the bucket where large bodies go; None for none. Raises StorageError."""
    one = chosen.queue.bucket
    if one is None:
        return None
    try:
        from ulak.queue.postgres.bucket import Bucket  # noqa: PLC0415 -- not everybody has psycopg
        from ulak.queue.postgres.objects import BucketError  # noqa: PLC0415 -- as above
        from ulak.queue.postgres.s3 import S3, Place  # noqa: PLC0415 -- nor obstore
    except ModuleNotFoundError as error:
        message = (
            "Large bodies are to go into a bucket, and what speaks to it is not installed: "
            "install ulak[postgres,s3]."
        )
        raise StorageError(message) from error
    place = Place(one.name, one.endpoint, one.region, one.keys, one.ca)
    try:
        objects = S3(place)
    except BucketError as error:
        message = f"The bucket of large bodies cannot be used: {error.problem}."
        raise StorageError(message) from error
    or_database = one.without == "database"
    return Bucket(objects, one.larger_than, prefix=one.prefix, or_database=or_database)


def problem_of(chosen: settings.Config) -> str:
    """Say what is wrong with the bucket, after using it; "" for nothing, or no bucket."""
    try:
        bucket = bucket_of(chosen)
    except StorageError as error:
        return str(error)
    return "" if bucket is None else asyncio.run(bucket.problem())


@runtime_checkable
class _Fetching(Protocol):
    """A store that may have bodies elsewhere."""

    bucket: Bucket | None
    fetching: Fetching


def hear(parts: Parts, store: QueueStore) -> None:
    """Have the log and the journal hear of bodies that are not to be had."""
    if isinstance(store, SpillingStore):
        store = store.elsewhere
    if isinstance(store, _Fetching):
        store.fetching.on_unread = partial(_unread, parts)
        if store.bucket is not None:
            store.bucket.on_word = partial(_word, parts)


def _word(parts: Parts, word: Word) -> None:
    if word.problem:
        parts.log.emit(Event.BUCKET_AWAY, verb=word.verb, problem=word.problem)
    else:
        parts.log.emit(Event.BUCKET_BACK, verb=word.verb)


def _unread(parts: Parts, unread: Unread) -> None:
    message, reply = unread.lease.message, unread.reply
    if unread.due is None:
        parts.log.emit(Event.BODY_LOST, message=message.id, object=reply.facts["object"])
    for each in unread.lease.pending:
        facts = {
            **reply.facts,
            "sender": message.envelope.sender,
            "recipient": each.recipient,
            "reply": str(reply),
            "attempt": str(each.attempts),
        }
        if unread.due is not None:
            facts["due"] = str(int(unread.due))
        parts.journal.write(
            Entry(parts.clock(), Kind.DEFERRED, reply.cause, message=message.id, facts=facts)
        )
