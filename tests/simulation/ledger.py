"""What became of every message, and the laws that hold for all of them.

A law that is broken is noted as a sentence at once, with the time, so that the story of the year
shows what led to it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ulak.delivery.ready import Limits
from ulak.journal.entry import Entry, Kind
from ulak.mail.envelope import domain_of
from ulak.queue.item import Again, Done, Lease, Message, Pending, Settlement, Still
from ulak.queue.retry import Retry

from .loop import BEGINNING
from .wire import Copy, Server
from .world import DAY, HOUR, MINUTE

Who = tuple[str, str]  # a message and one of its recipients

PER_HOUR = 12  # attempts for one recipient
PROBES = 40  # connections within an hour to a site that is away and known to be
SETTLED = 20.0  # seconds after a probe by one worker in which no other makes one for the same
AHEAD = 80  # attempts for one sender between another's being due and his first
HAPPY = 10 * MINUTE  # until mail is at a site that takes all: while we worked
PUNCTUAL = (
    1 * HOUR
)  # after an attempt was due: while we worked, to a site that keeps nobody waiting
LATE = 10 * HOUR  # after `give_up_after`: the longest suspension, one more that follows, and more


@dataclass(frozen=True)
class Broken:
    """A law that did not hold. `what` is a message, a site, or nothing."""

    at: float
    law: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.law}: {self.what} {self.detail}".strip()


@dataclass
class Life:
    """One recipient of one message."""

    put: float
    sender: str
    report: bool
    bulk: bool
    ended: float = -1.0
    how: str = ""
    attempts: list[float] = field(default_factory=list)
    due: float = -1.0  # the next attempt
    told: Kind | None = None
    copies: list[Copy] = field(default_factory=list)


class Ledger:
    def __init__(self, limits: Limits, retry: Retry, workers: int = 1) -> None:
        self.limits = limits
        self.workers = workers
        self.retry = retry
        self.now: Callable[[], float] = lambda: 0.0
        self.broken: list[Broken] = []
        self.lives: dict[Who, Life] = {}
        self.story: list[tuple[float, tuple[str, ...]]] = []
        self.leased: dict[Who, int] = {}
        self.under_way: Counter[tuple[str, str]] = Counter()  # by site and source
        # By site and source: for which suspension was probed last, by whom, until when.
        self.probed: dict[tuple[str, str], tuple[float, int, float]] = {}
        self.crashes: list[float] = []
        self.downs: list[tuple[float, float]] = []  # when we did not work, or not well
        self.most_leased = 0
        self.dropped: set[Who] = set()
        self.crammed: list[tuple[float, float]] = []  # when there was no room for more
        self._crammed_since = -1.0
        self.bulk: set[str] = set()
        self.beside: set[str] = set()  # messages to where another sender's flood goes
        self.floods: dict[str, list[float]] = defaultdict(list)  # attempts for it, by domain
        self.prompt: Collection[str] = ()  # domains whose sites answer soon, whatever they say
        self.by_message: dict[str, list[Who]] = defaultdict(list)

    @property
    def is_crammed(self) -> bool:
        """Whether there is hardly room in memory for more."""
        return self._crammed_since >= 0

    def tell(self, *words: str) -> None:
        self.story.append((self.now(), words))

    def breaks(self, law: str, what: str, detail: str = "") -> None:
        self.broken.append(Broken(self.now(), law, what, detail))
        self.tell("BROKEN", law, what, detail)

    # -- the store --------------------------------------------------------------------------

    def put(self, message: Message, pending: Iterable[Pending], *, report: bool) -> None:
        sender = message.envelope.sender
        for each in pending:
            who = (message.id, each.recipient)
            self.lives[who] = Life(self.now(), sender, report, message.id in self.bulk)
            self.by_message[message.id].append(who)
        self.tell("put", message.id, "from", sender or "<>", "to", *message.envelope.recipients)

    def lease(self, lease: Lease) -> None:
        for each in lease.pending:
            who = (lease.message.id, each.recipient)
            if who in self.leased:
                self.breaks("leased twice at a time", str(who))
            self.leased[who] = lease.token
        number = len({message for message, _ in self.leased})
        self.most_leased = max(self.most_leased, number)
        most = self.limits.messages * self.workers
        # One of several may have no room while the others do.
        if number * 4 * self.workers >= most * 3 - 4 and self._crammed_since < 0:
            self._crammed_since = self.now()
        if number > most:
            self.breaks("memory is bounded", "", f"{number} messages are leased")

    def settle(
        self, lease: Lease, outcomes: Sequence[Settlement], report: Message | None = None
    ) -> None:
        still = any(isinstance(each, Still) for each in outcomes)
        named = set()
        for each in outcomes:
            match each:
                case Done(recipient):
                    named.add(recipient)
                    self._done((lease.message.id, recipient), report)
                case Again(pending):
                    named.add(pending.recipient)
                    self.lives[lease.message.id, pending.recipient].due = pending.due - BEGINNING
                    self.tell("again", lease.message.id, pending.recipient, pending.cause)
                case Still():
                    pass
        for one in lease.pending:
            if not still or one.recipient in named:
                self.leased.pop((lease.message.id, one.recipient), None)

        number = len({message for message, _ in self.leased})
        if self._crammed_since >= 0 and number * 2 <= self.limits.messages:
            self.crammed.append((self._crammed_since, self.now()))
            self._crammed_since = -1.0

    def _done(self, who: Who, report: Message | None) -> None:
        life = self.lives[who]
        if who in self.dropped:
            return
        if life.ended >= 0:
            self.breaks("nothing ends twice", str(who), f"{life.how}, and again")
            return
        life.ended = self.now()
        heard = any(copy.heard for copy in life.copies)
        match life.told:
            case Kind.DELIVERED:
                life.how = "delivered"
                if not heard:
                    self.breaks("none is lost", str(who), "is said to be delivered and was not")
            case Kind.FAILED:
                life.how = "failed"
                if heard:
                    self.breaks("none is returned that was delivered", str(who))
                if life.sender and not _reported(report, who[1]):
                    self.breaks("none is lost", str(who), "failed without a report")
            case _:
                self.breaks("none is lost", str(who), f"ended after {life.told}")
        self.tell("done", *who, life.how)

    def drop(self, who: Collection[Who]) -> None:
        for each in who:
            life = self.lives[each]
            life.ended, life.how = self.now(), "dropped"
            self.dropped.add(each)
            self.leased.pop(each, None)

    # -- the journal ------------------------------------------------------------------------

    def write(self, entry: Entry) -> None:
        recipient = entry.facts.get("recipient")
        life = self.lives.get((entry.message, recipient or ""))
        if life is None:
            return
        life.told = entry.kind
        reply = entry.facts.get("reply", "")
        self.tell(entry.kind.value, entry.message, recipient or "", entry.cause, reply)
        if entry.kind is Kind.FAILED:
            age = self.now() - life.put
            expired = entry.cause == "expired"
            if expired and age < self.retry.give_up_after - 1:
                self.breaks("nobody is given up early", entry.message, f"after {age:.0f} s")
            if not expired and "remote" in entry.facts and not reply.startswith("5"):
                self.breaks("nobody is given up early", entry.message, reply)

    # -- attempts ---------------------------------------------------------------------------

    def attempt(self, message: str, recipients: Sequence[str], key: str, source: str = "") -> None:
        now, place = self.now(), (key, source)
        self.under_way[place] += 1
        if self.under_way[place] > self.limits.target:
            self.breaks("no site is over its limit", key, f"{self.under_way[place]} at once")
        if self.under_way.total() > self.limits.total * self.workers:
            self.breaks("attempts are bounded", "", f"{self.under_way.total()} at once")
        self.tell("attempt", message, f"at {key} for", *recipients)
        for recipient in recipients:
            self.lives[message, recipient].attempts.append(now)
        self._ahead(message, recipients, now)
        for recipient in recipients:
            life = self.lives[message, recipient]
            if life.due >= 0 and domain_of(recipient) in self.prompt:
                since = self._crammed_since
                crammed = [*self.crammed, (since if since >= 0 else now, now)]
                late = self._worked(life.due, now) - _overlap(life.due, now, crammed)
                if late > PUNCTUAL:
                    self.breaks("whoever is due has his turn", message, f"{late:.0f} s late")
            lately = len(life.attempts) - bisect_left(life.attempts, now - HOUR)
            excused = sum(now - HOUR <= crash for crash in self.crashes)
            if lately > PER_HOUR + excused:
                self.breaks("there is no storm", message, f"{lately} attempts within an hour")

    def _ahead(self, message: str, recipients: Sequence[str], now: float) -> None:
        """Look how much of a flood came before who waits beside it."""
        if message.startswith("F"):
            for recipient in recipients:
                self.floods[domain_of(recipient)].append(now)
        for recipient in recipients if message in self.beside else ():
            life, flood = self.lives[message, recipient], self.floods[domain_of(recipient)]
            ahead = len(flood) - bisect_left(flood, life.put)
            if len(life.attempts) == 1 and ahead > AHEAD * self.workers:
                self.breaks("nobody waits for a flood", message, f"{ahead} came before")

    def attempted(self, key: str, source: str = "") -> None:
        self.under_way[key, source] -= 1

    def probe(self, key: str, source: str, until: float, worker: int) -> None:
        """Note that a worker probes a site whose suspension was over then."""
        known, now = self.probed.get((key, source)), self.now()
        if known is not None and known[:2] != (until, worker) and known[0] == until:
            lately = now < known[2] + SETTLED
            if lately and not any(known[2] <= crash for crash in self.crashes[-1:]):
                self.breaks("one probes for all", key, f"worker {worker} after {known[1]}")
        self.probed[key, source] = (until, worker, float("inf"))

    def probe_ended(self, key: str, source: str, until: float, worker: int) -> None:
        if self.probed[key, source][:2] == (until, worker):
            self.probed[key, source] = (until, worker, self.now())

    def incident(self, error: BaseException) -> None:
        self.breaks("there is no error inside", type(error).__name__, str(error))

    def fell(self, what: Mapping[str, Any]) -> None:
        """Take note of what fell in the loop itself."""
        error = what.get("exception")
        self.breaks("there is no error inside", type(error).__name__, f"{what['message']}: {error}")

    # -- the end ----------------------------------------------------------------------------

    def close(self, happy: Collection[str], left: Sequence[str]) -> None:
        """Look at all of it. `happy` are the domains that take everything at once."""
        for name in left:
            self.breaks("everything ends", name, "is in the queue still")
        for who, life in self.lives.items():
            self._close(who, life, happy)

    def close_site(self, server: Server) -> None:
        """Look how a site was treated while away: an hour after the first call that is known."""
        for tried, (since, until) in product(server.tried.values(), server.away):
            calls = tried[bisect_left(tried, since) : bisect_left(tried, until)]
            # However long it has been away: before that nobody could know.
            times = calls[bisect_left(calls, calls[0] + HOUR) :] if calls else []
            for number, time in enumerate(times):
                lately = number - bisect_left(times, time - HOUR)
                starts = sum(time - HOUR <= crash <= time for crash in self.crashes)
                if lately > PROBES * (1 + starts):  # who starts anew knows nothing of it
                    detail = f"{lately} connections within an hour"
                    law = "a dead site is not hammered"
                    self.broken.append(Broken(time, law, server.name, detail))
                    break

    def _close(self, who: Who, life: Life, happy: Collection[str]) -> None:
        if life.ended < 0:
            self.breaks("none is lost", str(who), "has no end")
            return
        took = self._worked(life.put, life.ended)
        if took > self.retry.give_up_after + LATE:
            self.breaks("everything ends in time", str(who), f"took {took / DAY:.2f} days")
        for before, after in zip(life.copies, life.copies[1:], strict=False):
            crashed = any(before.at <= crash <= after.at for crash in self.crashes)
            if before.heard and not crashed:
                self.breaks("none comes twice", str(who))
        domain = who[1].partition("@")[2]
        if domain in happy and life.how != "dropped" and not life.bulk and took > HAPPY:
            self.breaks("fairness", str(who), f"took {took:.0f} s to a site that takes all")

    def _worked(self, since: float, until: float) -> float:
        """How much of a time we worked."""
        return until - since - _overlap(since, until, self.downs)


def _overlap(since: float, until: float, spans: Iterable[tuple[float, float]]) -> float:
    return sum(max(0.0, min(until, b) - max(since, a)) for a, b in spans)


def _reported(report: Message | None, recipient: str) -> bool:
    if report is None or report.body.data is None:
        return False
    return f"Final-Recipient: rfc822; {recipient}".encode() in report.body.data
