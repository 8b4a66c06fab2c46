"""What is said of a destination is found by the name of its domain, then of its host."""

from __future__ import annotations

import pytest

from ulak.delivery.byname import ByName

SAID = ByName(
    {
        "Example.net": "domain",
        "*.example.net": "end",
        "*.deep.example.net": "longer end",
        "mx1.provider.example": "host",
        "*.provider.example": "end of host",
    }
)


@pytest.mark.parametrize(
    ("domain", "host", "found"),
    [
        ("example.net", "mx1.provider.example", "domain"),
        ("EXAMPLE.net.", "", "domain"),
        ("news.example.net", "mx1.provider.example", "end"),
        ("a.b.example.net", "", "end"),
        ("a.deep.example.net", "", "longer end"),
        ("deep.example.net", "", "end"),
        ("elsewhere.example", "MX1.provider.example", "host"),
        ("elsewhere.example", "mx2.provider.example", "end of host"),
        ("elsewhere.example", "provider.example", None),
        ("elsewhere.example", "", None),
        ("net", "", None),
        ("", "", None),
    ],
)
def test_the_nearest_name_is_taken(domain: str, host: str, found: str | None) -> None:
    said = SAID.of(domain, host)
    assert (said and said[1]) == found


def test_nothing_is_said_where_nothing_is_configured() -> None:
    assert not ByName({})
    assert ByName({}).of("example.net", "mx.example.net") is None
