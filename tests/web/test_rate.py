"""How often one client may do something."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from ulak.web import rate
from ulak.web.rate import Rate, client_of


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_so_many_come_at_once_and_then_evenly() -> None:
    clock = Clock()
    limit = Rate(3, 60.0, clock)
    assert [limit.wait("a") for _ in range(4)] == [0.0, 0.0, 0.0, pytest.approx(20.0)]
    clock.now += 19.0
    assert limit.wait("a") == pytest.approx(1.0)
    clock.now += 1.0
    assert limit.wait("a") == 0.0
    assert limit.wait("a") > 0.0
    clock.now += 1000.0
    assert [limit.wait("a") for _ in range(3)] == [0.0] * 3  # and not more than that
    assert limit.wait("a") > 0.0


def test_who_is_refused_does_not_pay_for_it() -> None:
    clock = Clock()
    limit = Rate(1, 10.0, clock)
    assert limit.wait("a") == 0.0
    for _ in range(100):
        assert limit.wait("a") == pytest.approx(10.0)
    clock.now += 10.0
    assert limit.wait("a") == 0.0


def test_clients_do_not_count_for_one_another() -> None:
    limit = Rate(1, 10.0, Clock())
    assert limit.wait("a") == limit.wait("b") == 0.0
    assert limit.wait("a") > 0.0


def test_what_weighs_more_counts_as_more_and_never_as_too_much_for_ever() -> None:
    clock = Clock()
    limit = Rate(3, 30.0, clock)
    assert limit.wait("a", 2.0) == 0.0
    assert limit.wait("a", 2.0) == pytest.approx(10.0)
    assert limit.wait("a") == 0.0
    clock.now += 30.0
    assert limit.wait("a", 100.0) == 0.0
    assert limit.wait("a") > 0.0


def test_none_is_never() -> None:
    limit = Rate(0, 10.0, Clock())
    assert limit.never
    assert limit.wait("a") == float("inf")


def test_very_many_clients_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "_MOST_CLIENTS", 100)
    limit = Rate(2, 10.0, Clock())
    busy = [limit.wait("busy") for _ in range(3)]
    for number in range(1000):
        limit.wait(f"client-{number}")
    assert len(limit._until) <= 100
    assert busy[2] > 0.0
    assert limit.wait("busy") > 0.0  # who has asked most is remembered longest


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("testclient", "testclient"),
    ],
)
def test_a_customer_counts_as_one_client(host: str, client: str) -> None:
    assert client_of(Request({"type": "http", "client": (host, 1), "headers": []})) == client
    assert client_of(Request({"type": "http", "client": None, "headers": []})) == ""
