"""Every cause is checked by `ulak explain --check`, or it is said why it cannot or need not be."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from tests.house.repository import ROOT

from ulak.diagnose.reply import PLANS, UNKNOWN, Verdict
from ulak.diagnose.reply.confirming import KINDS
from ulak.diagnose.words import TEXTS
from ulak.language import LANGUAGES
from ulak.replies.catalog import CATALOG

FILE = ROOT / "src" / "ulak" / "diagnose" / "reply" / "plan.py"


def test_every_cause_has_a_plan() -> None:
    assert not CATALOG.keys() - PLANS.keys(), f"give these causes a plan in {FILE}"
    assert not PLANS.keys() - CATALOG.keys(), "there are no such causes"


def test_no_cause_has_two_plans() -> None:
    words = [
        word
        for call in ast.walk(ast.parse(FILE.read_text("utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_all"
        for word in ast.literal_eval(call.args[0]).split()
    ]
    assert [word for word, count in Counter(words).items() if count > 1] == []


@pytest.mark.parametrize("cause", PLANS)
def test_a_plan_has_checks_or_says_why_not(cause: str) -> None:
    plan = PLANS[cause]
    assert bool(plan.checks) is not bool(plan.why)
    assert {*plan.checks, *plan.instead} <= KINDS.keys()
    if CATALOG[cause].family == "accepted":
        assert plan.verdict is Verdict.NEEDLESS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_why_is_said_in_every_language(language: str) -> None:
    wanted = {f"verdict.why-{plan.why}" for plan in (*PLANS.values(), UNKNOWN) if plan.why}
    assert {name for name in TEXTS.all(language) if name.startswith("verdict.why-")} == wanted
