"""`ulak dns records` shows what a domain has to publish, and what DNS has of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ulak.cli import main
from ulak.dns.records import Status
from ulak.dns.zone import Zone
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Algorithm, DkimKey, Stage

from .names import serving

HEAD = 'hostname = "mx.example.org"\ndata = "data"\n[domains."example.org"]\nmailboxes = ["*"]\n'


class Desk:
    """The command line on one configuration, and a name server beside it."""

    def __init__(self, folder: Path, zone: Zone, server: str) -> None:
        self.file = folder / "ulak.toml"
        self.file.write_text(HEAD)
        self.keys = KeyFolder(folder / "data/dkim")
        self.zone, self.server = zone, server

    def run(self, *words: str, lang: str = "en") -> tuple[int, str, str]:
        line = ["dns", "records", *words, "--config", str(self.file), "--lang", lang]
        done = CliRunner().invoke(main, line)
        return done.exit_code, done.stdout, done.stderr

    def states(self) -> dict[str, tuple[str, ...]]:
        code, out, _ = self.run("example.org", "--dns", self.server, "--json")
        found: dict[str, tuple[str, ...]] = {}
        for each in json.loads(out)["records"]:
            found[each["purpose"]] = (*found.get(each["purpose"], ()), each["state"])
        assert code == (0 if all(s == "there" for all_ in found.values() for s in all_) else 1)
        return found

    def json(self) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = json.loads(
            self.run("example.org", "--dns", self.server, "--json")[1]
        )["records"]
        return records

    def key(self, stage: Stage = Stage.SIGNING) -> DkimKey:
        self.keys.make("example.org", "s1", (Algorithm.ED25519,), 1.0, exact=True)
        return self.keys.change("example.org", "s1", stage, 2.0)


GOOD: dict[tuple[str, str], Any] = {
    ("mx.example.org", "A"): ["192.0.2.7"],
    ("mx.example.org", "AAAA"): ["2001:db8::7"],
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mx.example.org"],
    (f"7.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa", "PTR"): ["mx.example.org"],
    ("example.org", "MX"): [(10, "mx.example.org")],
    ("example.org", "TXT"): ["v=spf1 mx -all", "some other text"],
    ("_dmarc.example.org", "TXT"): ["v=DMARC1; p=reject"],
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    zone = Zone(dict(GOOD))
    with serving(zone) as server:
        yield Desk(tmp_path, zone, server)


def test_without_a_question_it_shows_lines_of_a_zone_file(desk: Desk) -> None:
    key = desk.key()
    code, out, err = desk.run("example.org")
    assert (code, err) == (0, "")
    lines = [line for line in out.split("\n") if line and not line.startswith(";")]
    assert lines == [
        "example.org. IN MX 10 mx.example.org.",
        'example.org. IN TXT "v=spf1 mx a:mx.example.org ~all"',
        f's1._domainkey.example.org. IN TXT "{key.record}"',
        '_dmarc.example.org. IN TXT "v=DMARC1; p=none; rua=mailto:postmaster@example.org"',
    ]
    told = " ".join(out.replace("\n; ", " ").split())
    assert "cannot know the one in front of a router" in told
    assert "DNS" not in told.replace("in DNS", "") or "DNS has this" not in told


def test_addresses_that_the_configuration_names_are_known(desk: Desk) -> None:
    desk.file.write_text(
        HEAD
        + '[delivery]\nsource_ipv4 = "203.0.113.9"\n[[listener]]\naddress = "[2a00:1450::7]:25"\n'
        '[[listener]]\naddress = "10.0.0.1:25"\n[[listener]]\naddress = "0.0.0.0:587"\n'
    )
    _, out, _ = desk.run("example.org")
    assert "mx.example.org. IN AAAA 2a00:1450::7" in out
    assert "10.0.0.1" not in out
    assert "v=spf1 mx ip6:2a00:1450::7 ~all" in out
    assert ".ip6.arpa. IN PTR mx.example.org." in out


def test_all_that_is_there_is_found(desk: Desk) -> None:
    key = desk.key()
    desk.zone.put(key.name, "TXT", [key.record])
    assert desk.states() == {
        "address": ("there", "there"),
        "reverse": ("there", "there"),
        "mx": ("there",),
        "spf": ("there",),
        "dkim": ("there",),
        "dmarc": ("there",),
    }


@pytest.mark.parametrize(
    ("name", "kind", "records", "purpose", "state"),
    [
        ("example.org", "MX", [(10, "mx.example.net")], "mx", "other"),
        ("example.org", "MX", None, "mx", "missing"),
        ("example.org", "MX", Status.SERVFAIL, "mx", "unknown"),
        ("example.org", "MX", [(5, "a.example"), (9, "mx.example.org")], "mx", "there"),
        ("example.org", "TXT", ["v=spf1 ip4:198.51.100.1 -all"], "spf", "other"),
        ("example.org", "TXT", ["v=spf1 mx -all", "V=SPF1 -all"], "spf", "other"),
        ("example.org", "TXT", ["v=spf1 include:none.example -all"], "spf", "other"),
        ("example.org", "TXT", ["hello"], "spf", "missing"),
        ("example.org", "TXT", Status.REFUSED, "spf", "unknown"),
        ("_dmarc.example.org", "TXT", None, "dmarc", "missing"),
        ("_dmarc.example.org", "TXT", ["v=DMARC1; p=none", "v=DMARC1;p=reject"], "dmarc", "other"),
        ("_dmarc.example.org", "TXT", ["p=none"], "dmarc", "missing"),
        ("s1._domainkey.example.org", "TXT", None, "dkim", "missing"),
        ("s1._domainkey.example.org", "TXT", ["v=DKIM1; p="], "dkim", "other"),
        ("s1._domainkey.example.org", "TXT", Status.MALFORMED, "dkim", "unknown"),
    ],
)
def test_what_is_not_is_told(
    desk: Desk, name: str, kind: str, records: Any, purpose: str, state: str
) -> None:
    key = desk.key()
    desk.zone.put(key.name, "TXT", [key.record])
    if records is None:
        desk.zone.remove(name, kind)
    else:
        desk.zone.put(name, kind, records)
    assert desk.states()[purpose] == (state,)
    text = {"other": "DNS has something else.", "missing": "DNS does not have this."}
    _, out, _ = desk.run("example.org", "--dns", desk.server)
    assert text.get(state, "DNS has this." if state == "there" else "DNS gave no answer") in out


def test_the_way_back_from_an_address_is_looked_at(desk: Desk) -> None:
    desk.zone.put("7.2.0.192.in-addr.arpa", "PTR", ["host7.isp.example"])
    assert sorted(desk.states()["reverse"]) == ["other", "there"]
    _, out, _ = desk.run("example.org", "--dns", desk.server)
    assert "Whoever gave you 192.0.2.7 makes this record" in out.replace("\n; ", " ")


def test_a_server_without_an_address_is_told(desk: Desk) -> None:
    desk.zone.remove("mx.example.org", "A")
    desk.zone.remove("mx.example.org", "AAAA")
    assert desk.states()["address"] == ("missing",)
    desk.zone.put("mx.example.org", "A", Status.SERVFAIL)
    assert desk.states()["address"] == ("unknown",)


def test_where_mail_goes_out_elsewhere_it_says_what_it_cannot_know(desk: Desk) -> None:
    desk.file.write_text(HEAD + '[route]\n"*" = "smtp:relay.example.net:587"\n')
    _, out, _ = desk.run("example.org")
    assert "Mail goes out through relay.example.net:587" in out.replace("\n; ", " ")
    desk.zone.put("example.org", "TXT", ["v=spf1 include:relay.example.net -all"])
    assert desk.states()["spf"] == ("there",)


def test_a_domain_without_a_key_is_told_how_to_make_one(desk: Desk) -> None:
    assert desk.states()["dkim"] == ("missing",)
    assert "`ulak dkim keygen example.org`" in desk.run("example.org")[1]


def test_a_key_says_what_it_waits_for(desk: Desk) -> None:
    desk.key(Stage.NEW)
    assert "`ulak dkim activate example.org s1`" in desk.run("example.org")[1].replace("\n; ", " ")


def test_a_foreign_domain_is_refused_with_a_sentence(desk: Desk) -> None:
    code, _, err = desk.run("example.net")
    assert code == 2
    assert err.startswith(
        "example.net is not among the domains of this configuration (example.org)"
    )


def test_it_is_said_in_turkish_too(desk: Desk) -> None:
    desk.key(Stage.RETIRED)
    desk.zone.remove("_dmarc.example.org", "TXT")
    _, out, _ = desk.run("example.org", "--dns", desk.server, lang="tr")
    assert "; DNS'te var." in out
    assert "; DNS'te yok." in out
    assert "Bu anahtar artık imzalamıyor." in out


def test_what_dns_says_cannot_control_a_terminal(desk: Desk) -> None:
    desk.zone.put("example.org", "TXT", ["v=spf1 \x1b[2Jevil -all"])
    _, out, _ = desk.run("example.org", "--dns", desk.server)
    assert "\x1b" not in out
