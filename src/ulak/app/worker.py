"""One worker: a process that receives and delivers. Started by the supervisor, never by hand.

It owns one store and one journal, and takes care of stores that a larger number of workers left
behind. Its sockets are the supervisor's. When the supervisor is gone, it ends at once: whatever
was not acknowledged was never ours, and what was lies in the store.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
import sys
import time

import uvloop

from ulak import config as settings
from ulak.app import certificates, signing
from ulak.app.answering import Answering
from ulak.app.child import Child, born, settle
from ulak.app.control import Control
from ulak.app.delivering import Post, post_of
from ulak.app.draining import draining_of
from ulak.app.handing import desk_of
from ulak.app.hooking import postmen
from ulak.app.identifiers import Identifiers
from ulak.app.membership import membership
from ulak.app.parts import Parts, listener_of, site_of
from ulak.app.places import Places, adopted
from ulak.app.record import Record, journal_of, web_journal_of
from ulak.app.reporting import Book, Means, Reporter, author_of, posting_of, reporting
from ulak.app.scanners import greet
from ulak.app.serving import make_log
from ulak.app.spilling import spilling
from ulak.app.storing import open_all
from ulak.app.suppressing import keeping_together
from ulak.app.tlsreporting import tls_books
from ulak.app.transport import refreshers
from ulak.delivery.reporting import Signed
from ulak.journal.sqlite import SqliteJournal
from ulak.journal.trace import JournalError
from ulak.log import Event, Log
from ulak.queue.store import StorageError
from ulak.reports.failure import FailurePosting
from ulak.reports.posting import Posting
from ulak.server.wire import CertificateError


def main() -> int:
    """Read the job from the pipe that is named on the command line, and work."""
    child = born()
    log = make_log(child.config, worker=child.job.index)
    settle()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_work(child, child.config, log))
    except CertificateError as error:
        log.emit(Event.CERTIFICATE_REFUSED, problem=str(error))
        return 1
    except (StorageError, JournalError) as error:
        log.emit(Event.STORAGE_FAILED, problem=str(error))
        return 1
    finally:
        log.close()


async def _work(child: Child, chosen: settings.Config, log: Log) -> int:
    index, count = child.job.index, child.job.count
    loop = asyncio.get_running_loop()
    stop, look, look_at_keys = asyncio.Event(), asyncio.Event(), asyncio.Event()
    _heed(stop, look, look_at_keys)
    child.watch()

    places = Places(chosen.data)
    journal = journal_of(chosen, index, log)
    others = _others(chosen, index, count, log)
    parts = Parts(
        config=chosen,
        places=places,
        journal=Record(journal, log, quiet=chosen.log.level in ("warning", "error")),
        log=log,
        clock=time.time,
        new_id=Identifiers(time.time),
        chance=random.random,  # for jitter and lots among equals: no secret
    )
    stores = await open_all(chosen, places, index, count)
    stores = await spilling(chosen, places, (index, count), stores, log)
    if parts.signatory is not None:
        signing.look(parts.signatory.ring, log)
    posts = [post_of(parts, store, member) for member, store in stores]
    site = site_of(parts, posts[0].store, posts[0].worker)
    listener = listener_of(parts, site, child.sockets(), share=count > 1)
    reporter = _reporter(parts, posts[0], first=index == 0)
    draining = draining_of(parts, posts, listener)
    draining.begin()
    control = Control(
        places.control(index),
        Answering(
            *(parts, posts, journal, listener, reporter, draining, look_at_keys, time.time()),
            first=not index,
        ),
        desk_of(parts, site, [store for _, store in stores]),
    )

    runs = [
        *postmen(parts, first=index == 0),
        *refreshers(parts, index),
        *(post.sharing.run for post in posts),
        *parts.running,
        *keeping_together(parts, first=index == 0),
        *membership(parts, index, count, draining),
        *((parts.keeper.run,) if parts.keeper is not None else ()),
    ]
    if not chosen.delivery.paused:
        runs += [post.worker.run for post in posts]
    tasks = [loop.create_task(run()) for run in (reporter.run, *runs)]
    tasks += map(loop.create_task, (greet(site.scanners, log), parts.directory.meet()))
    if listener.contexts:
        tasks.append(loop.create_task(certificates.watch(listener.contexts, log, look)))
    if parts.signatory is not None:
        watch = signing.watch(parts.signatory.ring, log, look_at_keys)
        tasks.append(loop.create_task(watch))
    await control.start()
    await listener.start(resting=draining.wanted)
    log.emit(Event.READY, pid=os.getpid())
    if chosen.delivery.paused:
        log.emit(Event.DELIVERY_PAUSED)
    child.ready()

    await stop.wait()
    log.emit(Event.DRAINING)
    await draining.close()
    await listener.stop(chosen.limits.shutdown)
    await control.stop()
    for post in posts:
        await post.worker.stop(chosen.limits.shutdown)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for post in posts:
        await post.sharing.close()
    await parts.close()
    for _, store in stores:
        await store.close()
    for each in (journal, *others):
        await asyncio.to_thread(each.close)
    log.emit(Event.STOPPED)
    return 0


def _heed(stop: asyncio.Event, *looks: asyncio.Event) -> None:
    """Have the supervisor's signals end this worker, or look around."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def look_around() -> None:
        for look in looks:
            look.set()

    loop.add_signal_handler(signal.SIGHUP, look_around)


def _others(chosen: settings.Config, index: int, count: int, log: Log) -> list[SqliteJournal]:
    """Open journals that nobody writes to: their entries must go when it is time."""
    places = Places(chosen.data)
    others = [journal_of(chosen, n, log) for n in adopted(index, count, places.journal_numbers())]
    if index == 0 and places.web_journal.is_dir() and not (chosen.web and chosen.web.addresses):
        others.append(web_journal_of(chosen, log))
    return others


def _reporter(parts: Parts, post: Post, *, first: bool) -> Reporter:
    signatory = parts.signatory
    sign = Signed(None if signatory is None else signatory.sign, parts.incident)
    posting: Posting | None = None
    failures: FailurePosting | None = None
    means = Means(post.store, parts.resolver, parts.new_id, sign)
    if first and reporting(parts.config):
        posting = posting_of(
            parts.config, parts.outgoing, means, log=parts.log, journal=parts.journal
        )
    if parts.chooser is not None:
        author, secret = author_of(parts.config), secrets.token_bytes(32)
        failures = FailurePosting(
            parts.chooser, post.store, parts.resolver, author, parts.new_id, secret, sign
        )
    reporter = Reporter(
        [
            Book(parts.counter.take, parts.outgoing.add, posting, parts.outgoing.close),
            *tls_books(parts, means if first else None),
        ],
        failures,
        clock=parts.clock,
        log=parts.log,
        incident=parts.incident,
        wake=post.worker.wake,
    )
    parts.closing.append(reporter.close)
    return reporter


if __name__ == "__main__":
    sys.exit(main())
