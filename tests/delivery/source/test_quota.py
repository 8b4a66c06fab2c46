"""Warm-up plans: never more than the plan, whatever the workers, their crashes and the days do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.delivery.postgres import prepared
from tests.postgresql import PostgresServer

from ulak.database.blocking import Blocking
from ulak.delivery.site.grant import Why
from ulak.delivery.source.allowing import Allowance
from ulak.delivery.source.postgres import PostgresLedger
from ulak.delivery.source.quota import Answer, Count, LedgerError, Quotas, Taken, portion
from ulak.delivery.source.sqlite import SqliteLedger
from ulak.delivery.source.warmup import DAY, Plan, day_of, end_of

SPAN = Count("source:a", "", 0, 86_400)


class Book:
    """The ledger in memory."""

    def __init__(self) -> None:
        self.taken: Counter[Count] = Counter()
        self.asked = 0

    def take(self, count: Count, wanted: int, limit: int) -> int:
        self.asked += 1
        given = max(min(wanted, limit - self.taken[count]), 0)
        self.taken[count] += given
        return given

    def give_back(self, count: Count, number: int) -> None:
        self.taken[count] -= number

    def quotas(self) -> Quotas:
        def ask(count: Count, wanted: int, limit: int, answer: Answer) -> None:
            answer(self.take(count, wanted, limit))

        return Quotas(ask, self.give_back)


def test_a_plan_says_how_many_on_each_day_and_then_any_number() -> None:
    plan = Plan(100, (10, 20))
    assert [plan.limit(day) for day in (99, 100, 101, 102)] == [0, 10, 20, None]
    assert [plan.step(day) for day in (99, 100, 101, 102)] == [0, 1, 2, 0]
    assert plan.warm_from == 102
    assert (day_of(100 * DAY), day_of(101 * DAY - 0.5), end_of(100)) == (100, 100, 101 * DAY)


steps = st.lists(
    st.tuples(
        st.integers(0, 3),  # which worker
        st.sampled_from(["send", "send", "send", "send", "defer", "crash", "stop", "midnight"]),
    ),
    max_size=300,
)


@settings(max_examples=200, deadline=None)
@given(steps, st.lists(st.integers(1, 120), min_size=1, max_size=4))
def test_no_more_are_sent_than_the_plan_has_and_hardly_fewer(
    script: list[tuple[int, str]], daily: list[int]
) -> None:
    plan, book, now = Plan(10, tuple(daily)), Book(), 10 * DAY
    workers = [book.quotas() for _ in range(4)]
    sent: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    for number, what in script:
        day = day_of(now)
        limit = plan.limit(day)
        if what == "midnight":
            now = end_of(day)
            continue
        if limit is None:
            break
        if what == "crash":  # what it had in hand is gone
            lost[day] += portion(limit)
            workers[number] = book.quotas()
            continue
        if what == "stop":
            workers[number].close()
            workers[number] = book.quotas()
            continue
        gate = Allowance(plan, workers[number], "source:a", "site")
        wait = gate.wait(now)
        if wait is not None:
            assert wait.why is Why.WARMING
            assert wait.until == end_of(day)
            # Others may have a portion in hand each; nobody else has had the rest.
            assert sent[day] + lost[day] + 3 * portion(limit) >= limit
            continue
        gate.begin(now)
        if what == "defer":
            gate.back(now)
        else:
            sent[day] += 1
        assert sent[day] <= limit


def test_a_message_is_no_write(tmp_path: Path) -> None:
    book = Book()
    quotas = book.quotas()
    for _ in range(5000):
        assert quotas.left(SPAN, 10_000, 0.0)
        quotas.take(SPAN)
    assert book.asked <= 5000 // portion(10_000) + 2
    del tmp_path


def test_a_plan_is_for_each_site_or_for_all_of_them() -> None:
    book = Book()
    quotas = book.quotas()
    for per_site, sent in ((True, 4), (False, 2)):
        plan, count = Plan(0, (2,), per_site=per_site), 0
        for site in ("one", "two"):
            gate = Allowance(plan, quotas, f"source:{per_site}", site)
            while gate.wait(0.0) is None:
                gate.begin(0.0)
                count += 1
        assert count == sent


def test_while_the_ledger_is_asked_the_wait_is_short_and_after_an_error_longer() -> None:
    answers: list[Answer] = []
    quotas = Quotas(lambda _c, _w, _l, answer: answers.append(answer), lambda _c, _n: None)
    gate = Allowance(Plan(0, (100,)), quotas, "source:a", "site")
    wait = gate.wait(5.0)
    assert wait is not None
    assert 5.0 < wait.until < 6.0
    answers.pop()(None)
    assert quotas.left(SPAN._replace(where="site"), 100, 6.0) is None
    assert not answers  # not asked again at once
    wait = gate.wait(6.0)
    assert wait is not None
    assert wait.until == 35.0  # and not looked at all the time either
    assert gate.wait(40.0) is not None
    answers.pop()(2)
    assert gate.wait(40.0) is None


def test_what_is_answered_after_the_end_is_given_back() -> None:
    answers: list[Answer] = []
    back: list[int] = []
    quotas = Quotas(
        lambda _c, _w, _l, answer: answers.append(answer), lambda _c, number: back.append(number)
    )
    quotas.left(SPAN, 500, 0.0)
    quotas.close()
    answers.pop()(10)
    assert back == [10]


def test_workers_share_one_file(tmp_path: Path) -> None:
    one, other = SqliteLedger(tmp_path / "s.db"), SqliteLedger(tmp_path / "s.db")
    assert one.taken(10.0) == []  # looking makes none
    assert not (tmp_path / "s.db").exists()
    assert [one.take(SPAN, 6, 10), other.take(SPAN, 6, 10), one.take(SPAN, 6, 10)] == [6, 4, 0]
    other.give_back(SPAN, 3)
    assert one.take(SPAN, 6, 10) == 3
    assert one.take(SPAN, 6, 5) == 0  # a plan that is less now
    assert one.taken(86_399.5) == [Taken("source:a", "", 0, 86_400, 10)]
    assert one.taken(86_400.0) == []
    late = Count("source:a", "", 90 * 86_400, 91 * 86_400)
    assert one.take(late, 1, 5) == 1
    one.close()
    other.close()
    reopened = SqliteLedger(tmp_path / "s.db")
    assert reopened.taken(10.0) == []  # thrown away
    reopened.close()


def test_servers_share_one_database(database: PostgresServer) -> None:
    url = prepared(database.fresh())
    one, other = (PostgresLedger(Blocking(url, name)) for name in ("one", "other"))
    assert one.taken(10.0) == []
    assert [one.take(SPAN, 6, 10), other.take(SPAN, 6, 10), one.take(SPAN, 6, 10)] == [6, 4, 0]
    other.give_back(SPAN, 3)
    assert one.take(SPAN, 6, 10) == 3
    assert one.take(SPAN, 6, 5) == 0  # a plan that is less now
    assert other.taken(86_399.5) == [Taken("source:a", "", 0, 86_400, 10)]
    assert other.taken(86_400.0) == []
    late = Count("source:a", "", 90 * 86_400, 91 * 86_400)
    assert one.take(late, 1, 5) == 1
    assert other.taken(10.0) == []  # thrown away
    one.close()
    other.close()


def test_a_database_that_is_away_is_told_of() -> None:
    told: list[str | None] = []
    ledger = PostgresLedger(Blocking("postgresql://127.0.0.1:1/nowhere", "one", told.append))
    for _ in range(3):
        with pytest.raises(LedgerError, match="cannot be used"):
            ledger.take(SPAN, 1, 1)
    assert len(told) == 1
    ledger.close()


def test_a_file_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"no database" * 1000)
    with pytest.raises(LedgerError, match=r"s\.db cannot be used"):
        SqliteLedger(tmp_path / "s.db").take(SPAN, 1, 1)


def test_counts_that_are_over_are_thrown_away() -> None:
    quotas = Book().quotas()
    for day in range(4):
        for site in range(800):
            start = day * 86_400
            quotas.left(Count("source:a", str(site), start, start + 86_400), 50, float(start))
    assert len(quotas._shares) <= 2000
