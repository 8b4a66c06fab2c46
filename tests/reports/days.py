"""A server's days, for the tests: observations, and what its reports need."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from ulak.dns import Resolver, Zone
from ulak.queue.memory import MemoryStore
from ulak.queue.store import QueueStore
from ulak.reports.counting import DAY, Counter
from ulak.reports.making import Author
from ulak.reports.observation import Disposition, Observation, Sender, Signature
from ulak.reports.posting import Parts, Posting
from ulak.reports.store import Outgoing, Parcel

FIRST = 20_783  # the day that begins at MORNING
MORNING = float(FIRST * DAY)
NOON = MORNING + DAY / 2
TOMORROW = MORNING + DAY

AUTHOR = Author(
    "Example Mail", "postmaster@mx.example.net", "mx.example.net", "dmarc@mx.example.net"
)
RECORD = "v=DMARC1; p=reject; np=quarantine; rua=mailto:dmarc@example.org"

SEEN = Observation(
    time=NOON,
    record_domain="example.org",
    record=RECORD,
    from_domain="example.org",
    ip="192.0.2.1",
    disposition=Disposition.PASS,
    dkim_aligned=True,
    spf_aligned=False,
    organizational_domain="example.org",
    envelope_from="bounce.example.org",
    signatures=(Signature("example.org", "s1", "pass"),),
    sender=Sender("bounce.example.org", "softfail"),
)
FORGED = replace(
    SEEN,
    ip="198.51.100.9",
    disposition=Disposition.REJECT,
    dkim_aligned=False,
    signatures=(),
    sender=Sender("evil.example", "pass"),
    envelope_from="evil.example",
)

ZONE = {
    ("_dmarc.example.org", "TXT"): [RECORD],
    ("_dmarc.third.example", "TXT"): ["v=DMARC1; p=none"],
    ("_dmarc.willing.example", "TXT"): ["v=DMARC1; p=none"],
    ("example.org._report._dmarc.willing.example", "TXT"): ["v=DMARC1"],
}


def counted(*observations: Observation) -> Counter:
    """Count observations."""
    counter = Counter()
    for observation in observations:
        counter.note(observation)
    return counter


class Server:
    """A server that sends reports, with what it told of its parcels."""

    def __init__(
        self, outgoing: Outgoing, queue: QueueStore | None = None, resolver: Resolver | None = None
    ) -> None:
        self.outgoing = outgoing
        self.queue: QueueStore = MemoryStore() if queue is None else queue
        self.told: list[Parcel] = []
        self._ids = count(1)
        self.posting = Posting(
            Parts(
                outgoing,
                self.queue,
                Zone(ZONE) if resolver is None else resolver,
                AUTHOR,
                lambda: f"parcel{next(self._ids)}",
                tell=self._tell,
            )
        )

    def see(self, *observations: Observation) -> None:
        """Count observations, and write down what was counted."""
        self.outgoing.add(counted(*observations).take())

    def _tell(self, parcel: Parcel, /, size: int = 0) -> None:
        del size
        self.told.append(parcel)
