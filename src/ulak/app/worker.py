"""One worker: a process that receives and delivers. Started by the supervisor, never by hand.

It owns one store and one journal, and takes care of stores that a larger number of workers left
behind. Its sockets are the supervisor's. When the supervisor is gone, it ends at once: whatever
was not acknowledged was never ours, and what was lies in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from ulak.app.identifiers import Identifiers
from ulak.app.parts import Parts, Post, listener_of, post_of, site_of
from ulak.app.places import Places, adopted
from ulak.app.record import Record, journal_of, web_journal_of
from ulak.app.reporting import Means, Reporter, author_of, posting_of, reporting
from ulak.app.scanners import greet
from ulak.app.serving import make_log
from ulak.delivery.reporting import Signed
from ulak.journal.trace import JournalError
from ulak.log import Event, Log
from ulak.queue.sqlite import SqliteStore
from ulak.queue.store import StorageError, StoreBusyError
from ulak.reports.failure import FailurePosting
from ulak.reports.posting import Posting
from ulak.server.wire import CertificateError

_LOCK_PATIENCE = 10.0  # seconds: a worker that was killed a moment ago may still hold its store


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
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    look, look_at_keys = asyncio.Event(), asyncio.Event()

    def look_around() -> None:
        look.set()
        look_at_keys.set()

    loop.add_signal_handler(signal.SIGHUP, look_around)
    child.watch()

    places = Places(chosen.data)
    journal = journal_of(chosen, index, log)
    # Nobody writes to the others, but their entries must go when it is time.
    others = [journal_of(chosen, n, log) for n in adopted(index, count, places.journal_numbers())]
    if index == 0 and places.web_journal.is_dir() and not (chosen.web and chosen.web.addresses):
        others.append(web_journal_of(chosen, log))
    parts = Parts(
        config=chosen,
        places=places,
        journal=Record(journal, log, quiet=chosen.log.level in ("warning", "error")),
        log=log,
        clock=time.time,
        new_id=Identifiers(time.time),
        chance=random.random,  # for jitter and lots among equals: no secret
    )
    stores = [await _open(places, index)]
    for extra in adopted(index, count, places.queues()):
        with contextlib.suppress(StoreBusyError):
            stores.append(SqliteStore(places.queue(extra)))
    if parts.signatory is not None:
        signing.look(parts.signatory.ring, log)
    posts = [post_of(parts, store) for store in stores]
    site = site_of(parts, stores[0], posts[0].worker)
    listener = listener_of(parts, site, child.sockets(), share=count > 1)
    reporter = _reporter(parts, posts[0], first=index == 0)
    control = Control(
        places.control(index),
        Answering(parts, posts, journal, listener, reporter, look_at_keys, time.time()),
    )

    tasks = [
        loop.create_task(run())
        for run in (reporter.run, *(p.worker.run for p in posts if not chosen.delivery.paused))
    ]
    tasks.append(loop.create_task(greet(site.scanners, log)))
    if listener.contexts:
        tasks.append(loop.create_task(certificates.watch(listener.contexts, log, look)))
    if parts.signatory is not None:
        watch = signing.watch(parts.signatory.ring, log, look_at_keys)
        tasks.append(loop.create_task(watch))
    await control.start()
    await listener.start()
    log.emit(Event.READY, pid=os.getpid())
    if chosen.delivery.paused:
        log.emit(Event.DELIVERY_PAUSED)
    child.ready()

    await stop.wait()
    log.emit(Event.DRAINING)
    await listener.stop(chosen.limits.shutdown)
    await control.stop()
    for post in posts:
        await post.worker.stop(chosen.limits.shutdown)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await parts.close()
    for store in stores:
        await store.close()
    for each in (journal, *others):
        await asyncio.to_thread(each.close)
    log.emit(Event.STOPPED)
    return 0


async def _open(places: Places, index: int) -> SqliteStore:
    end = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            return SqliteStore(places.queue(index))
        except StoreBusyError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


def _reporter(parts: Parts, post: Post, *, first: bool) -> Reporter:
    signatory = parts.signatory
    sign = Signed(None if signatory is None else signatory.sign, parts.incident)
    posting: Posting | None = None
    failures: FailurePosting | None = None
    if first and reporting(parts.config):
        means = Means(post.store, parts.resolver, parts.new_id, sign)
        posting = posting_of(
            parts.config, parts.outgoing, means, log=parts.log, journal=parts.journal
        )
    if parts.chooser is not None:
        author, secret = author_of(parts.config), secrets.token_bytes(32)
        failures = FailurePosting(
            parts.chooser, post.store, parts.resolver, author, parts.new_id, secret, sign
        )
    reporter = Reporter(
        parts.counter,
        parts.outgoing,
        posting,
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
