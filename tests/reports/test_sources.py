"""Who has sent as us is added up, with what to do about it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.reports.days import AUTHOR, SEEN, counted

from ulak.reports.aggregate import Aggregate
from ulak.reports.making import report_of
from ulak.reports.observation import Disposition, Observation, Sender, Signature
from ulak.reports.sources import Advice, sources


def reported(*observations: Observation) -> Aggregate:
    (day,) = counted(*observations).take()
    return report_of(day, AUTHOR)


OWN = Signature("example.org", "s", "pass")
BROKEN = Signature("example.org", "s", "fail")
SERVICE = Signature("service.example", "s", "pass")
NOTHING = replace(SEEN, dkim_aligned=False, spf_aligned=False, signatures=(), sender=None)


@pytest.mark.parametrize(
    ("observations", "advice"),
    [
        ([replace(SEEN, spf_aligned=True)], Advice.WELL),
        ([SEEN], Advice.FORWARDED),
        ([replace(NOTHING, spf_aligned=True)], Advice.UNSIGNED),
        ([replace(NOTHING, signatures=(SERVICE,))], Advice.FOREIGN),
        ([replace(NOTHING, sender=Sender("service.example", "pass"))], Advice.FOREIGN),
        ([replace(NOTHING, signatures=(BROKEN, SERVICE))], Advice.BROKEN),
        ([NOTHING], Advice.UNKNOWN),
        ([replace(NOTHING, signatures=(replace(SERVICE, result="fail"),))], Advice.UNKNOWN),
        ([SEEN, NOTHING], Advice.MIXED),
    ],
)
def test_a_source_is_told_by_what_passes(observations: list[Observation], advice: Advice) -> None:
    (source,) = sources([reported(*observations)])
    assert source.advice is advice


def test_reports_add_up_and_who_sent_most_comes_first() -> None:
    other = replace(NOTHING, ip="198.51.100.9", disposition=Disposition.REJECT)
    first, second = sources([reported(SEEN), reported(SEEN, other, SEEN)])
    assert (first.ip, first.messages, first.passed, first.refused) == ("192.0.2.1", 3, 3, 0)
    assert (second.ip, second.messages, second.passed, second.refused) == ("198.51.100.9", 1, 0, 1)
    assert (first.dkim, first.spf) == (3, 0)


def test_names_beside_ours_tell_who_it_is() -> None:
    service = replace(
        NOTHING, signatures=(SERVICE,), sender=Sender("bounce.service.example", "pass")
    )
    (source,) = sources([reported(service, service, replace(NOTHING, signatures=(SERVICE,)))])
    assert source.named == ("service.example", "bounce.service.example")
