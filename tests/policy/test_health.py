"""How blocklists answer is counted, so that a dead one is seen."""

from __future__ import annotations

import asyncio
from collections import Counter

from ulak.checks.dnsbl import Blocklist
from ulak.dns import Status, Zone
from ulak.policy.admission import Admission
from ulak.policy.health import Healths

DNS = Zone(
    {
        ("1.2.0.192.works.example", "A"): ["127.0.0.2"],
        ("*.silent.example", "*"): Status.TIMEOUT,
        ("*.refusing.example", "A"): ["127.255.255.254"],
    }
)
ZONES = ("works.example", "silent.example", "refusing.example")


def test_each_answer_of_a_list_counts_for_what_it_is() -> None:
    clock = Counter[str]()  # seconds that pass by hand
    admission = Admission(
        DNS,
        zones=[Blocklist(zone) for zone in ZONES],
        gather=asyncio.gather,
        clock=lambda: float(clock["now"]),
    )
    healths = Healths(ZONES)

    async def visit() -> None:
        for number in range(1, 6):
            verdict = await admission.judge(f"192.0.2.{number}")
            healths.take(verdict.findings, 1000.0 + number)

    asyncio.run(visit())
    works, silent, refusing = healths.all()
    assert (works.listed, works.unlisted, works.unanswered, works.skipped) == (1, 4, 0, 0)
    assert works.last_listed is not None
    assert (works.last_listed.time, works.last_listed.finding.ip) == (1001.0, "192.0.2.1")
    # After three silences it is left alone, and its last word is that it did not answer.
    assert (silent.unanswered, silent.skipped) == (3, 2)
    assert silent.last_trouble is not None
    assert silent.last_trouble.time == 1003.0
    assert refusing.unanswered == 5
    assert refusing.last_trouble is not None
    assert "127.255.255.254" in str(refusing.last_trouble.finding.reasons[0])
    assert admission.resting() == {"silent.example": 60.0}
    clock["now"] = 45
    assert admission.resting() == {"silent.example": 15.0}
    clock["now"] = 61
    assert admission.resting() == {}


def test_a_list_that_nobody_asked_for_is_not_counted() -> None:
    healths = Healths(["works.example"])
    admission = Admission(DNS, zones=[Blocklist("silent.example")], clock=float)
    healths.take(asyncio.run(admission.judge("192.0.2.9")).findings, 1.0)
    (works,) = healths.all()
    assert (works.listed, works.unlisted, works.unanswered, works.skipped) == (0, 0, 0, 0)
