"""docs/billion.md adds up: its tables are made of the figures, and these are the ones measured."""

from __future__ import annotations

import copy
import runpy
from types import SimpleNamespace
from typing import Any

import pytest
from tests.house.repository import ROOT

# Measurements are no part of what tests import.
billion = SimpleNamespace(**runpy.run_path(str(ROOT / "bench" / "billion.py")))
MEASUREMENTS = (ROOT / "docs" / "measurements.md").read_text("utf-8")


def _with(measured: dict[str, float], assumed: dict[str, float]) -> dict[str, Any]:
    """Give the figures with some that are easy to reckon with."""
    figures: dict[str, Any] = copy.deepcopy(dict(billion.given()))
    for group, values in (("measured", measured), ("assumed", assumed)):
        for name, value in values.items():
            figures[group][name]["value"] = value
    return figures


def test_the_page_has_the_tables_of_the_figures() -> None:
    text = billion.PAGE.read_text("utf-8")
    assert billion.page(text, billion.given()) == text, "python -m bench.billion --write"


@pytest.mark.parametrize("name", billion.given()["measured"])
def test_a_figure_is_the_one_that_was_measured(name: str) -> None:
    told = billion.told_as(billion.given()["measured"][name])
    assert told in MEASUREMENTS, f"docs/measurements.md has another one than {told}"


def test_the_arithmetic_is_that_of_a_small_example() -> None:
    """8,640,000 a day are 100 a second, 200 at the peak; a cell may have half of 100."""
    measured = {"node": 5.0, "node_taking": 2.0, "proof": 1.0, "handshake": 1.0, "again": 0.5}
    measured |= {"base": 2.0, "syncs": 0.1, "store": 100, "log": 1000}
    assumed = {"peak": 2, "size": 10.24, "used": 0.5, "cores": 1, "seconds": 3, "session": 2}
    figures = _with(measured, {**assumed, "again": 1})
    found = billion.plan(figures, 8_640_000)
    assert found.average == pytest.approx(100)
    assert found.peak == pytest.approx(200)
    assert found.node == pytest.approx(5 + 1 + 2 * 1 / 2 + (3 + 0.5))
    assert found.base == pytest.approx(2.5)
    assert found.of_cell == pytest.approx(50)
    assert found.cells == 4 + 1
    # 50 a second at 10.5 ms are 0.525 cores; of those that are half used, two; and one more.
    assert found.servers == 2 + 1
    assert found.of_base == pytest.approx(0.125)
    assert found.syncs == pytest.approx(5)
    assert found.logged == pytest.approx(50_000)
    assert found.connections == pytest.approx(75)


def test_the_peak_is_taken_while_a_cell_and_a_server_of_each_are_missing() -> None:
    figures = billion.given()
    measured = {name: one["value"] for name, one in figures["measured"].items()}
    found = billion.plan(figures)
    used = figures["assumed"]["used"]["value"]
    assert (found.cells - 1) * found.of_cell >= found.peak
    busy = found.peak / (found.cells - 1)
    assert (found.servers - 1) * found.cores * used >= busy * found.node / 1000
    assert found.cores * used >= found.of_base
    assert found.logged <= measured["store"] * measured["log"]


def test_twice_the_mail_takes_twice_the_cells() -> None:
    once = billion.plan(billion.given())
    twice = billion.plan(billion.given(), 2 * billion.A_BILLION)
    assert abs((twice.cells - 1) - 2 * (once.cells - 1)) <= 1
    assert twice.servers == once.servers
