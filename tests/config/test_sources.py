"""Settings of sources, pools and tenants: what goes together, and what is told else."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ulak import config
from ulak.app.sourcing import plan_of, sources_of, tenants_of
from ulak.config.settings import Config
from ulak.config.show import Shown
from ulak.language import LANGUAGES

LISTENER = '[[listener]]\naddress = "127.0.0.1:0"\n'


def source(name: str, address: str = "192.0.2.1", more: str = "") -> str:
    return f'[[source]]\nname = "{name}"\naddress = "{address}"\n{more}\n'


TWO = source("a") + source("b", "192.0.2.2")
POOL = f'{TWO}[pools.p]\nsources = ["a", "b"]\n[delivery]\npool = "p"\n'


def loaded(folder: Path, text: str) -> Config:
    path = folder / "ulak.toml"
    path.write_text(f'data = "data"\n{LISTENER}{text}')
    return config.load(path)


def mistakes(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(config.ConfigError) as caught:
        loaded(folder, text)
    for language in LANGUAGES:
        assert all(sentence.strip() for sentence in caught.value.sentences(language))
    return [(mistake.key, mistake.text) for mistake in caught.value.mistakes]


def warnings(folder: Path, text: str) -> list[tuple[str, str]]:
    return [(one.key, one.text) for one in loaded(folder, text).warnings]


def test_everything_that_is_said_arrives(tmp_path: Path) -> None:
    made = loaded(
        tmp_path,
        '[[source]]\nname = "North"\naddress = "192.0.2.1"\naddress6 = "2001:DB8::1"\n'
        'hostname = "North.example.org"\n'
        "warmup = { start = 2026-11-27, per_day = [5, 5, 9], per_site = false }\n"
        '[pools.Usual]\nsources = { NORTH = 3 }\n[delivery]\npool = "usual"\n'
        '[tenants.Shop]\ndomains = ["Shop.example"]\naccounts = ["Ada@Example.org"]\n'
        'pool = "USUAL"\nmessages_per_day = 7\nmessages_per_hour = 5\n',
    )
    (source,) = sources_of(made)
    assert (source.name, source.address, source.address6) == ("north", "192.0.2.1", "2001:db8::1")
    assert source.hostname == "north.example.org"
    assert source.plan is not None
    first = (date(2026, 11, 27) - date(1970, 1, 1)).days
    assert (source.plan.start, source.plan.daily, source.plan.per_site) == (first, (5, 5, 9), False)
    (tenant,) = tenants_of(made)
    assert (tenant.name, tenant.pool, tenant.per_hour, tenant.per_day) == ("shop", "usual", 5, 7)
    assert tenant.domains == {"shop.example"}
    assert tenant.accounts == {"ada@example.org"}
    assert made.pools["usual"].sources == {"north": 3}
    assert made.warnings == ()


def test_a_plan_has_a_name_or_its_own_numbers_and_a_date_in_quotes_or_without(
    tmp_path: Path,
) -> None:
    text = '[[source]]\nname = "a"\naddress = "192.0.2.1"\nwarmup = {{ start = {}, plan = "{}" }}\n'
    for start, plan, begin, length in (
        ("2026-11-27", "slow", 20, 21),
        ('"2026-11-27"', "usual", 50, 11),
        ("2026-11-27", "quick", 200, 6),
    ):
        (source,) = loaded(tmp_path, text.format(start, plan)).sources
        assert source.warmup is not None
        made = plan_of(source.warmup)
        assert (made.daily[0], len(made.daily)) == (begin, length)
        assert list(made.daily) == sorted(made.daily)


def test_what_is_shown_can_be_read_again(tmp_path: Path) -> None:
    text = f'{POOL}[[source]]\nname = "c"\naddress6 = "::1"\nwarmup = {{ start = "2026-11-27" }}\n'
    path = tmp_path / "ulak.toml"
    path.write_text(f'data = "data"\n{LISTENER}{text}')
    again = tmp_path / "again.toml"
    again.write_text(Shown(config.read(path)).text())
    assert config.load(again).sources == config.load(path).sources
    assert config.load(again).pools == config.load(path).pools


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[source]]\nname = "a"\n', ("source[1]", "source-without-address")),
        (
            f'{TWO}[[source]]\nname = "A"\naddress = "192.0.2.3"\n',
            ("source[3].name", "source-twice"),
        ),
        (
            f'{TWO}[[source]]\nname = "c"\naddress = "192.0.2.1"\n',
            ("source[3].address", "address-twice"),
        ),
        (
            '[[source]]\nname = "a"\naddress = "0.0.0.0"\n',
            ("source[1].address", "source-of-nobody"),
        ),
        (source("a", "mx.example"), ("source[1].address", "wrong-kind")),
        (source("a", "::1"), ("source[1].address", "other-version")),
        (source("a b"), ("source[1].name", "wrong-kind")),
        (
            f'{TWO}[delivery]\nsource_ipv4 = "192.0.2.9"\n',
            ("delivery.source_ipv4", "source-and-sources"),
        ),
        (f'{TWO}[delivery]\npool = "q"\n', ("delivery.pool", "no-such-pool")),
        (f'{TWO}[pools.p]\nsources = ["a", "x"]\n', ("pools.p.sources", "no-such-source")),
        (f"{TWO}[pools.p]\nsources = {{ a = 0 }}\n", ("pools.p.sources", "pool-without-weight")),
        (f"{TWO}[pools.p]\nsources = []\n", ("pools.p.sources", "wrong-kind")),
        (f'{TWO}[pools.p]\nsources = ["a", "A"]\n', ("pools.p.sources[2]", "twice")),
        (f"{TWO}[pools.p]\nsources = {{ a = -1 }}\n", ("pools.p.sources.a", "out-of-bounds")),
        ('[tenants.t]\ndomains = ["a.example"]\npool = "q"\n', ("tenants.t.pool", "no-such-pool")),
        (
            '[tenants.t]\ndomains = ["a.example"]\n[tenants.u]\ndomains = ["A.example"]\n',
            ("tenants.u.domains[1]", "two-tenants"),
        ),
        (
            source("a", more='warmup = { start = "2026-13-01" }'),
            ("source[1].warmup.start", "wrong-kind"),
        ),
        (
            source("a", more="warmup = { start = 2026-11-27, per_day = [0] }"),
            ("source[1].warmup.per_day[1]", "out-of-bounds"),
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(
    tmp_path: Path, text: str, told: tuple[str, str]
) -> None:
    assert mistakes(tmp_path, text) == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f'{POOL}[[source]]\nname = "c"\naddress = "192.0.2.3"\n',
            ("source[3].name", "source-in-no-pool"),
        ),
        (f'{POOL}[pools.q]\nsources = ["a"]\n', ("pools.q", "pool-unused")),
        (f"{POOL}[tenants.t]\n", ("tenants.t", "tenant-of-nobody")),
    ],
)
def test_what_is_probably_not_meant_is_told(
    tmp_path: Path, text: str, told: tuple[str, str]
) -> None:
    assert warnings(tmp_path, text) == [told]


def test_the_older_way_to_name_one_source_goes_on_to_work(tmp_path: Path) -> None:
    made = loaded(tmp_path, '[delivery]\nsource_ipv4 = "192.0.2.9"\n')
    assert made.warnings == ()
    assert sources_of(made) == []
