"""The public test suites of SPF: every case of RFC 7208's, and of its elders what still holds."""

from __future__ import annotations

import asyncio

import pytest
from tests.checks.spf.suite import Case, cases, zone

from ulak.checks.gather import Gather, one_by_one
from ulak.checks.spf import Finding, check

SUITE = cases("rfc7208-tests.yml")
# The suite of RFC 4408, of which every case still holds: where RFC 7208 decided what was left open
# (the limit of MX names, §4.6.4), or took type SPF away (§3.1), the suite has both results.
ELDER = cases("rfc4408-tests.yml")
# Cases of pyspf's own, and why two of them are not RFC 7208: `default=` was a modifier of drafts
# before RFC 4408, and unknown modifiers are ignored (§6); "ambiguous" is no result (§2.6).
OWN = cases("test.yml")
NO_MORE = {"default-modifier": "neutral", "default-modifier-harsh": "neutral"}


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


def test_the_suites_are_whole() -> None:
    assert (len(SUITE), len(ELDER), len(OWN)) == (203, 191, 16)


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


@pytest.mark.parametrize("case", ELDER, ids=[case.name for case in ELDER])
def test_the_suite_of_rfc_4408_still_holds(case: Case) -> None:
    assert evaluate(case).result in case.results


@pytest.mark.parametrize("case", OWN, ids=[case.name for case in OWN])
def test_what_pyspf_tests_holds_but_for_what_is_no_more(case: Case) -> None:
    result = evaluate(case).result
    if case.name in NO_MORE:
        assert result not in case.results
        assert result == NO_MORE[case.name]
    else:
        assert result in case.results
