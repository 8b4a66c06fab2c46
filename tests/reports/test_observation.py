"""What a judged message tells a domain owner."""

from __future__ import annotations

import pytest
from tests.reports.days import SEEN

from ulak.reports.counting import Counter
from ulak.reports.observation import Collector, Disposition, Observation, Several


@pytest.mark.parametrize(
    ("dkim", "spf", "passed"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_one_aligned_identifier_is_enough_to_pass(*, dkim: bool, spf: bool, passed: bool) -> None:
    observation = Observation(
        time=0.0,
        record_domain="example.org",
        record="v=DMARC1; p=reject",
        from_domain="example.org",
        ip="192.0.2.1",
        disposition=Disposition.PASS,
        dkim_aligned=dkim,
        spf_aligned=spf,
    )
    assert observation.passed is passed


def test_several_collectors_hear_of_the_same() -> None:
    one, two = Counter(), Counter()
    collector: Collector = Several([one, two])
    collector.note(SEEN)
    assert one.take() == two.take() != ()
