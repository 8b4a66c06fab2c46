"""`ulak dkim` makes, shows, activates and ends keys, and never shows a private half."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from ulak.cli import main
from ulak.dns.records import Status
from ulak.dns.zone import Zone
from ulak.keys.folder import KeyFolder
from ulak.keys.key import Stage

from .names import serving

DAY = 86_400.0


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str


class Desk:
    """The command line on one configuration, and a name server beside it."""

    def __init__(self, folder: Path, zone: Zone, server: str) -> None:
        self.file = folder / "ulak.toml"
        self.file.write_text('data = "data"\n[domains."example.org"]\nmailboxes = ["*"]\n')
        self.keys = KeyFolder(folder / "data/dkim")
        self.zone, self.server = zone, server

    def __call__(self, *words: str, lang: str = "en") -> Ran:
        line = ["dkim", *words, "--config", str(self.file), "--lang", lang]
        done = CliRunner().invoke(main, line)
        return Ran(done.exit_code, " ".join(done.stdout.split()), " ".join(done.stderr.split()))

    def asking(self, *words: str, lang: str = "en") -> Ran:
        return self(*words, "--dns", self.server, lang=lang)

    def publish(self) -> None:
        for key in self.keys.every()[0]:
            self.zone.put(key.name, "TXT", [key.record])

    def stages(self) -> dict[str, Stage]:
        return {key.selector: key.stage for key in self.keys.every()[0]}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    zone = Zone({})
    with serving(zone) as server:
        yield Desk(tmp_path, zone, server)


def lines_of(folder: Path, *words: str) -> list[str]:
    file = folder / "ulak.toml"
    return CliRunner().invoke(main, ["dkim", *words, "--config", str(file)]).stdout.split("\n")


def test_keygen_makes_both_keys_and_shows_what_to_publish(desk: Desk, tmp_path: Path) -> None:
    lines = lines_of(tmp_path, "keygen", "Example.org", "--selector", "s1")
    zone = [line for line in lines if " IN TXT " in line]
    assert [line.split(" ")[0] for line in zone] == [
        "s1-rsa._domainkey.example.org.",
        "s1-ed25519._domainkey.example.org.",
    ]
    for line, key in zip(zone, reversed(desk.keys.every()[0]), strict=True):
        strings = re.findall(r'"([^"]*)"', line)
        assert "".join(strings) == key.record
        assert max(map(len, strings)) <= 255
    assert any("`ulak dkim activate example.org s1-rsa`" in line for line in lines)
    assert desk.stages() == {"s1-rsa": Stage.NEW, "s1-ed25519": Stage.NEW}


@pytest.mark.parametrize("algorithm", ["rsa", "ed25519"])
def test_keygen_makes_one_and_names_it_by_the_day(desk: Desk, algorithm: str) -> None:
    ran = desk("keygen", "example.org", "--algorithm", algorithm, "--json")
    (made,) = json.loads(ran.out)["keys"]
    assert made["algorithm"] == algorithm
    assert re.fullmatch(r"s20[0-9]{6}", made["selector"])
    again = json.loads(desk("keygen", "example.org", "--algorithm", algorithm, "--json").out)
    assert again["keys"][0]["selector"] == made["selector"] + "b"


def test_no_private_half_is_ever_shown(desk: Desk) -> None:
    said = [
        desk("keygen", "example.org", "--selector", "s1"),
        desk("keygen", "example.org", "--json"),
    ]
    said += [
        desk("list"),
        desk("list", "--json"),
        desk("activate", "example.org", "s1-rsa", "--force"),
    ]
    shown = "".join(ran.out + ran.err for ran in said)
    assert "PRIVATE" not in shown
    for path in desk.keys.path.rglob("*.pem"):
        for line in path.read_text().split("\n"):
            assert len(line) < 40 or line not in shown


def test_keygen_refuses_what_cannot_be(desk: Desk) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "rsa")
    again = desk("keygen", "example.org", "--selector", "s1", "--algorithm", "rsa")
    assert again.code == 1
    assert again.err.startswith("There is a key s1 for example.org already, and nothing was done")
    assert desk("keygen", "example.org", "--selector", "../x").code == 2
    assert desk("keygen", "not a domain").code == 2
    foreign = desk("keygen", "example.net")
    assert foreign.code == 0
    assert foreign.err.startswith("example.net is not among the domains of this server.")


def test_a_domain_beyond_ascii_has_its_keys_under_its_a_label(desk: Desk) -> None:
    ran = desk("keygen", "bücher.example", "--selector", "s1", "--algorithm", "ed25519")
    assert "s1._domainkey.xn--bcher-kva.example. IN TXT" in ran.out
    assert "s1" in desk("list", "BÜCHER.example").out


def test_list_shows_keys_and_what_cannot_be_used(desk: Desk) -> None:
    assert desk("list").out.startswith("There are no keys yet")
    desk("keygen", "example.org", "--selector", "s1")
    desk("activate", "example.org", "s1-rsa", "--force")
    shown = desk("list").out
    assert re.search(r"example\.org s1-ed25519 ed25519 new \S+ \S+ - -", shown)
    assert re.search(r"example\.org s1-rsa rsa 2048 signing \S+ \S+ \S+ \S+ -", shown)
    assert desk("list", "example.net").out.startswith("There are no keys yet")
    (desk.keys.path / "example.org/s1-rsa.pem").chmod(0o644)
    ran = desk("list")
    assert ran.code == 1
    assert "s1-rsa.pem cannot be used: others may read it (its mode is 0644" in ran.err
    assert (
        json.loads(desk("list", "--json").out.split("\n")[0])["unusable"][0]["selector"] == "s1-rsa"
    )
    assert desk("activate", "example.org", "s1-rsa", "--force").code == 2


def test_activate_asks_dns_first(desk: Desk) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    name = "s1._domainkey.example.org"

    def refused(words: str) -> None:
        ran = desk.asking("activate", "example.org", "s1")
        assert ran.code == 1, ran
        assert name in ran.err
        assert words in ran.err
        assert desk.stages() == {"s1": Stage.NEW}

    (key,) = desk.keys.every()[0]
    refused("DNS does not have this.")
    desk.zone.put(name, "TXT", Status.SERVFAIL)
    refused("DNS gave no answer")
    desk.zone.put(name, "TXT", ["v=spf1 -all"])
    refused("DNS has something else. It has: v=spf1 -all")
    desk.zone.put(name, "TXT", [key.record.replace("p=", "p=AAAA")])
    refused("DNS has something else.")
    desk.zone.put(name, "TXT", ["v=DKIM1; k=ed25519; p="])
    refused("DNS has something else.")
    other = KeyFolder(desk.keys.path.parent / "other")
    (stranger,) = other.make("example.org", "s1", (key.algorithm,), 0.0, exact=True)
    desk.zone.put(name, "TXT", [stranger.record])
    refused("That is a key, but another one than this.")
    desk.zone.put(name, "TXT", [key.record.replace("; ", " ;\t")])
    ran = desk.asking("activate", "example.org", "s1")
    assert (ran.code, ran.out, ran.err) == (
        0,
        "Mail of example.org is signed with s1 from now on.",
        "",
    )
    assert desk.stages() == {"s1": Stage.SIGNING}


def test_activate_says_what_is_odd_about_a_record_that_does(desk: Desk) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    (key,) = desk.keys.every()[0]
    desk.zone.put(key.name, "TXT", [key.record + "; t=y"])
    ran = desk.asking("activate", "example.org", "s1")
    assert ran.code == 0
    assert "t=y, which means that it is only a test" in ran.err


def test_a_key_that_signs_or_did_just_now_is_not_removed(desk: Desk) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    desk("activate", "example.org", "s1", "--force")
    assert desk("remove", "example.org", "s1").err.startswith("s1 signs mail at this moment")
    retired = desk("retire", "example.org", "s1")
    assert retired.out.startswith("s1 signs no more. Leave its record in DNS until 20")
    assert "No key signs the mail of example.org any more" in retired.err
    ran = desk("remove", "example.org", "s1")
    assert (ran.code, "may be on its way until 20" in ran.err) == (1, True)
    desk.keys.change("example.org", "s1", Stage.SIGNING, time.time() - 9 * DAY)
    desk.keys.change("example.org", "s1", Stage.RETIRED, time.time() - 8 * DAY)
    ran = desk("remove", "example.org", "s1")
    assert ran.code == 0
    assert "Delete its record from DNS, too: s1._domainkey.example.org" in ran.out
    assert desk("remove", "example.org", "s1").err.startswith("There is no key s1")
    assert desk("retire", "example.org", "s1").code == 1
    assert not desk.stages()


def test_remove_by_force_takes_what_is_damaged(desk: Desk) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    (desk.keys.path / "example.org/s1.pem").write_bytes(b"nonsense")
    assert desk("remove", "example.org", "s1").code == 2
    assert desk("remove", "example.org", "s1", "--force").code == 0


def test_rotate_leads_through_the_whole_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_700_000_000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    first = desk.asking("rotate", "example.org")
    assert first.code == 0
    assert first.out.count(" IN TXT ") == 2
    old = set(desk.stages())
    early = desk.asking("rotate", "example.org")
    assert early.code == 1
    assert "do not sign yet" in early.err
    assert early.out.count(" IN TXT ") == 2
    desk.publish()
    assert desk.asking("rotate", "example.org").code == 0
    assert set(desk.stages().values()) == {Stage.SIGNING}
    assert desk.asking("rotate", "example.org").out.startswith("There is nothing to do")
    now[0] += 90 * DAY
    desk.asking("rotate", "example.org")
    fresh = desk.stages().keys() - old
    assert {desk.stages()[s] for s in old} == {Stage.SIGNING}, "they go on meanwhile"
    assert {desk.stages()[s] for s in fresh} == {Stage.NEW}
    desk.publish()
    desk.asking("rotate", "example.org")
    assert {desk.stages()[s] for s in old} == {Stage.RETIRED}
    assert {desk.stages()[s] for s in fresh} == {Stage.SIGNING}
    now[0] += 2 * DAY
    assert desk.asking("rotate", "example.org").out.startswith("There is nothing to do")
    now[0] += 6 * DAY
    last = desk.asking("rotate", "example.org")
    assert last.out.count("is gone. Delete its record from DNS, too") == 2
    assert desk.stages().keys() >= fresh
    assert not desk.stages().keys() & old


def test_all_is_said_in_turkish_too(desk: Desk) -> None:
    assert desk("list", lang="tr").out.startswith("Henüz anahtar yok")
    assert "Şu TXT kayıtlarını yayımlayın" in desk("keygen", "example.org", lang="tr").out
    selector = next(iter(desk.stages()))
    assert "DNS'te yok." in desk.asking("activate", "example.org", selector, lang="tr").err
    assert "imzalanıyor" in desk("activate", "example.org", selector, "--force", lang="tr").out
    assert "imzalıyor" in desk("list", lang="tr").out
    assert "artık imzalamıyor" in desk("retire", "example.org", selector, lang="tr").out
    assert "yolda olabilir" in desk("remove", "example.org", selector, lang="tr").err
    assert "silindi" in desk("remove", "example.org", selector, "--force", lang="tr").out


def test_it_is_said_when_nothing_is_signed_at_all(desk: Desk) -> None:
    desk.file.write_text(desk.file.read_text() + "[dkim]\nsign = false\n")
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    ran = desk("activate", "example.org", "s1", "--force")
    assert ran.err == "Nothing is signed, since `dkim.sign` is false in the configuration."


@pytest.mark.parametrize("server", ["nobody", "127.0.0.1:99999", "dns.example:53", "127.0.0.1:0"])
def test_a_name_server_has_an_address(desk: Desk, server: str) -> None:
    desk("keygen", "example.org", "--selector", "s1", "--algorithm", "ed25519")
    ran = desk("activate", "example.org", "s1", "--dns", server)
    assert (ran.code, ran.err) == (
        2,
        f"{server} is not a name server's address; write it as IP or IP:PORT.",
    )


def test_a_folder_that_may_not_be_read_is_told(desk: Desk) -> None:
    if os.geteuid() == 0:
        desk.keys.path.parent.mkdir(parents=True)
        desk.keys.path.write_text("a file where the folder should be")
        ran = desk("keygen", "example.org")
        assert ran.code == 2
        assert "cannot be used" in ran.err
