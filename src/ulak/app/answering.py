"""What a worker does and tells when it is asked over its control socket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from ulak.app import live
from ulak.app.control import Answer, Request
from ulak.app.delivering import Post
from ulak.app.draining import Draining
from ulak.app.membership import stand_told
from ulak.app.noting import noted
from ulak.app.operator import act
from ulak.app.parts import Parts
from ulak.app.reporting import Reporter
from ulak.journal.deed import operated
from ulak.journal.sqlite import SqliteJournal
from ulak.policy.health import Healths
from ulak.queue.item import Lease
from ulak.queue.store import StorageError
from ulak.server.listener import Listener, ListenError


@dataclass(frozen=True, slots=True)
class Answering:
    """The parts of one worker that are asked. `look` is set to have it look at its keys.

    `first`: it is the first of the server's.
    """

    parts: Parts
    posts: Sequence[Post]
    journal: SqliteJournal
    listener: Listener
    reporter: Reporter
    draining: Draining
    look: asyncio.Event
    started: float
    first: bool

    async def __call__(self, request: Request) -> Answer:
        """Do what is asked, or tell it; `error` says why that is not possible."""
        try:
            return self._tell(request) or await self._do(request)
        except (StorageError, ValueError) as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 -- whoever asked is told, and does not wait
            incident = self.parts.incident(error)
            return {
                "error": f"An error inside; `ulak why {incident}` tells of it.",
                "incident": incident,
            }

    def _tell(self, request: Request) -> Answer | None:
        parts = self.parts
        workers = [post.worker for post in self.posts]
        match request.verb:
            case "now":
                pools = live.pools_of(parts.carriers.values())
                found = live.now(self.started, self.journal, self.listener.sessions, workers, pools)
                return found | {"paused": parts.config.delivery.paused}
            case "stand":
                return stand_told(self.draining.stand())
            case "sessions":
                return live.sessions(self.listener.sessions, request.limit)
            case "destinations":
                pools = live.pools_of(parts.carriers.values())
                most = parts.config.delivery.connections_per_destination
                return live.destinations(workers, pools, most, request.limit)
            case "sites":
                posts = [(post.worker, post.sharing) for post in self.posts]
                return live.sites(posts, request.limit)
            case "blocklists":
                welcome = parts.welcome
                if welcome is None:
                    return live.blocklists(Healths(()), {}, parts.clock())
                return live.blocklists(welcome.healths, welcome.resting(), parts.clock())
        return None

    async def _do(self, request: Request) -> Answer:
        match request.verb:
            case "reports" | "reports-now":
                await self.reporter.flush()
                at_once = request.verb == "reports-now"
                return {"count": await self.reporter.post(at_once=at_once)}
            case "keys":
                self.look.set()
                return {"count": 0}
            case "drain-server" | "resume-server":
                return await self._duty(request)
            case "resume-site":
                return {"count": self._resume(request)}
            case "suppress" | "unsuppress":
                self.parts.journal.write(noted(self.parts.clock(), request))
                return {"count": 1}
        total, away = 0, ""
        for post in self.posts:
            if post.operated and request.verb == "bounce":
                total += await self._bounce(post, request)
            elif post.operated:
                try:
                    total += await act(post.store, self.parts.journal, request, time.time())
                except StorageError as error:
                    if not post.spilled:
                        raise
                    away = str(error)  # what waits here for it can be changed all the same
            for store in post.spilled if request.verb != "bounce" else ():
                total += await act(store, self.parts.journal, request, time.time())
            post.worker.wake()
        return {"count": total, "away": away} if away else {"count": total}

    async def _duty(self, request: Request) -> Answer:
        """Take this worker out of service, or back; the first one notes who wanted that."""
        try:
            if request.verb == "drain-server":
                done = self.draining.drain(request.by)
            else:
                done = await self.draining.resume()
        except (OSError, ListenError) as error:
            return {"error": str(error)}
        if done and self.first:
            self.parts.journal.write(operated(self.parts.clock(), request.verb, request.by))
        return stand_told(self.draining.stand())

    def _resume(self, request: Request) -> int:
        """Send to a site again, and note who wanted that."""
        site = request.site
        count = sum(post.worker.resume_site(site) for post in self.posts)
        if count:
            deed = operated(self.parts.clock(), "resume-site", request.by, "", site=site)
            self.parts.journal.write(deed)
        return count

    async def _bounce(self, post: Post, request: Request) -> int:
        """Return mail; who has it done is noted before what comes of it."""

        def tell(lease: Lease) -> None:
            now = self.parts.clock()
            for pending in lease.pending:
                deed = operated(
                    now, "bounce", request.by, lease.message.id, recipient=pending.recipient
                )
                self.parts.journal.write(deed)

        return await post.worker.bounce(request.which, tell)
