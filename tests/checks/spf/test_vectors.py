"""The public test suite of RFC 7208, every case."""

from __future__ import annotations

import asyncio

import pytest
from tests.checks.spf.suite import Case, cases, zone

from ulak.checks.gather import Gather, one_by_one
from ulak.checks.spf import Finding, check

SUITE = cases("rfc7208-tests.yml")


def evaluate(case: Case, gather: Gather = one_by_one) -> Finding:
    return asyncio.run(
        check(
            zone(case.zone),
            ip=case.ip,
            helo=case.helo,
            mail_from=case.mail_from,
            receiver=case.receiver,
            gather=gather,
        )
    )


def test_the_suite_is_whole() -> None:
    assert len(SUITE) == 203


@pytest.mark.parametrize("case", SUITE, ids=[case.name for case in SUITE])
def test_the_result_and_the_explanation_are_those_of_the_suite(case: Case) -> None:
    finding = evaluate(case)
    assert finding.result in case.results
    if case.explanation == "DEFAULT":
        assert finding.explanation == ""
    elif case.explanation is not None:
        assert finding.explanation == case.explanation
    assert finding == evaluate(case, asyncio.gather)
    assert finding.reasons[-1].text("tr")
