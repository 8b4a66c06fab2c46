"""`ulak sources`: how warm each is, and whether its names are in order."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.cli.names import serving

from ulak.cli import main
from ulak.delivery.source.quota import Count
from ulak.delivery.source.sqlite import SqliteLedger
from ulak.dns import Zone

CONFIG = """
hostname = "mx.example.org"
data = "data"
[[source]]
name = "warm"
address = "127.0.0.2"
[[source]]
name = "new"
address = "127.0.0.3"
hostname = "new.example.org"
warmup = {{ start = "{start}", per_day = [10, 10, 20] }}
[[source]]
name = "gone"
address6 = "2001:db8::1"
[pools.p]
sources = {{ warm = 3, new = 1, gone = 0 }}
[delivery]
pool = "p"
[tenants.shop]
domains = ["shop.example"]
messages_per_day = 500
messages_per_hour = 100
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    today = datetime.now(UTC).date()
    start = today - timedelta(days=2)
    (tmp_path / "ulak.toml").write_text(CONFIG.format(start=start))
    day = int(datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp())
    ledger = SqliteLedger(tmp_path / "data" / "sources.db")
    ledger.take(Count("source:new", "google", day, day + 86_400), 7, 20)
    ledger.take(Count("tenant:shop", "", day, day + 86_400), 300, 500)
    ledger.close()
    return tmp_path


def run(folder: Path, *words: str) -> tuple[int, str, str]:
    line = ["sources", *words, "--config", str(folder / "ulak.toml"), "--lang", "en"]
    done = CliRunner().invoke(main, line)
    return done.exit_code, done.stdout, done.stderr


def test_sources_pools_and_tenants_are_listed(folder: Path) -> None:
    code, out, err = run(folder)
    assert code == 0
    warm, new = (next(x for x in out.split("\n") if x.startswith(name)) for name in ("warm", "new"))
    assert "mx.example.org" in warm
    assert "day 3 of 3: 20 messages to each site" in new
    assert "7/20 google" in new
    assert "p (for all other mail)  warm (3), new (1), gone (0)" in out
    assert "300/500, 100 an hour at most" in out
    assert "2001:db8::1, which is not on this machine" in err


def test_the_list_is_there_for_programs(folder: Path) -> None:
    _, out, _ = run(folder, "--json")
    told = json.loads(out)
    new = told["sources"][1]
    assert (new["day"], new["days"], new["limit"], new["sent"]) == (3, 3, 20, {"google": 7})
    assert told["default"] == "p"
    assert told["tenants"][0]["sent"] == 300


def test_without_sources_it_is_the_system_that_chooses(tmp_path: Path) -> None:
    (tmp_path / "ulak.toml").write_text('data = "data"\n')
    code, out, _ = run(tmp_path)
    assert code == 0
    assert "whichever address the system takes" in out


def test_a_check_shows_what_to_publish(folder: Path) -> None:
    zone = Zone(
        {
            ("3.0.0.127.in-addr.arpa", "PTR"): ["new.example.org"],
            ("new.example.org", "A"): ["127.0.0.3"],
        }
    )
    with serving(zone) as address:
        dns = ["--dns", address, "--only-configured"]
        _, out, _ = run(folder, "check", "new", *dns)
        assert "3.0.0.127.in-addr.arpa. PTR new.example.org." in out
        assert 'new.example.org. TXT "v=spf1 ip4:127.0.0.3 -all"' in out
        assert "== warm" not in out
        code, out, _ = run(folder, "check", "gone", *dns, "--json")
    assert code == 1
    (gone,) = json.loads(out)["sources"]
    assert list(gone["unusable"]) == ["2001:db8::1"]
    assert "mx.example.org. AAAA 2001:db8::1" in gone["publish"]


def test_a_source_that_there_is_not_cannot_be_checked(folder: Path) -> None:
    code, _, err = run(folder, "check", "nobody")
    assert code == 2
    assert "`ulak sources` shows" in err
