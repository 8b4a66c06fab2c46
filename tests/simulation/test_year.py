"""In a simulated year no law is broken, whatever the seed (docs/simulation.md)."""

from __future__ import annotations

import pytest

from ulak.delivery.site.seat import Seat

from .story import story
from .world import Deed, Temper, world
from .year import simulate

# Short ones, in which all that a world may have comes up; `make simulate` has the others.
_YEARS = (3, 8, 11, 14, 15, 20, 26, 27, 49, 1466)


@pytest.mark.slow
@pytest.mark.parametrize("seed", _YEARS)
def test_no_law_is_broken_in_a_year(seed: int) -> None:
    year, broken = simulate(seed)
    assert not broken, story(year, broken)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "workers"), [(7, 3), (12, 3), (204, 3), (11, 1)])
def test_no_law_is_broken_in_a_year_of_servers_with_one_queue(seed: int, workers: int) -> None:
    year, broken = simulate(seed, clustered=True)
    assert year.plan.workers == workers
    assert not broken, story(year, broken)


@pytest.mark.slow
def test_a_limit_that_servers_divide_wrongly_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Seat, "part", lambda _self, limit, _place=None: limit)
    assert any(simulate(seed, clustered=True)[1] for seed in (7, 12, 8))


def test_these_years_have_all_that_a_world_may_have() -> None:
    plans = [world(seed) for seed in _YEARS]
    assert {site.temper for plan in plans for site in plan.sites} == set(Temper)
    assert {event.deed for plan in plans for event in plan.events} == set(Deed)
    assert {plan.sources for plan in plans} >= {1, 2, 3}
    assert {plan.workers for plan in plans} == {1, 2, 3}
    assert any(plan.durable for plan in plans)
    assert any(plan.disk for plan in plans)
    assert any(site.provider for plan in plans for site in plan.sites)


def test_a_year_is_the_same_each_time() -> None:
    one, other = simulate(3)[0].ledger, simulate(3)[0].ledger
    assert one.story == other.story
    assert len(one.story) > 1000
