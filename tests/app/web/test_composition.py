"""From a configuration to a site."""

from __future__ import annotations

import os
from dataclasses import replace
from ipaddress import ip_network
from itertools import count
from pathlib import Path

from ulak import config as settings
from ulak.app.places import Places
from ulak.app.web.parts import WebParts
from ulak.app.web.running import limits_of, tls_of
from ulak.app.web.site import hosts_of, site_of
from ulak.config import SocketAddress
from ulak.journal.memory import MemoryJournal
from ulak.log import Log


def config(**web: object) -> settings.Config:
    made = settings.Web(**web)  # type: ignore[arg-type]  # fields by their names
    return replace(settings.load(None), hostname="mx.example.org", web=made)


def test_a_site_is_asked_for_by_the_names_that_it_has() -> None:
    everywhere = (SocketAddress("0.0.0.0", 80), SocketAddress("2001:db8::1", 80))
    assert hosts_of(config(addresses=everywhere)) == {
        "mx.example.org",
        "localhost",
        "[2001:db8::1]",
    }
    assert hosts_of(config()) == {"mx.example.org", "localhost", "127.0.0.1"}


def test_names_that_are_given_are_the_only_ones_beside_that_of_the_base() -> None:
    assert hosts_of(config(hosts=("mail.example.org", "::1"))) == {"mail.example.org", "[::1]"}
    for base, host in (
        ("https://web.example.org:8443", "web.example.org"),
        ("https://[2001:db8::2]:8443", "[2001:db8::2]"),
        ("http://[2001:db8::2]", "[2001:db8::2]"),
        ("http://192.0.2.1", "192.0.2.1"),
    ):
        found = hosts_of(config(hosts=("mail.example.org",), base=base))
        assert found == {"mail.example.org", host}


def test_a_site_is_asked_for_by_the_name_that_replies_give_for_it() -> None:
    why = settings.Why(address="https://Why.example.org:8443/why/")
    found = hosts_of(replace(config(hosts=("mail.example.org",)), why=why))
    assert found == {"mail.example.org", "why.example.org"}


def test_a_site_knows_its_server() -> None:
    site = site_of(config(base="https://mx.example.org"))
    assert (site.hostname, site.base) == ("mx.example.org", "https://mx.example.org")


def test_an_error_inside_is_noted_once(tmp_path: Path) -> None:
    journal = MemoryJournal()
    ids = (f"id-{number}" for number in count())
    quiet = os.open(os.devnull, os.O_WRONLY)
    with Log(quiet, clock=lambda: 0.0) as log:
        parts = WebParts(
            config(), Places(tmp_path), journal, log, clock=lambda: 0.0, new_id=lambda: next(ids)
        )
        error = RuntimeError("the secret")
        assert [parts.incident(error), parts.incident(error)] == ["id-0", "id-0"]
        assert parts.incident(RuntimeError("another")) == "id-1"
    os.close(quiet)
    assert [entry.incident for entry in journal.entries] == ["id-0", "id-1"]


def test_proxies_bring_the_connections_of_many() -> None:
    limits = limits_of(settings.Web(proxies=(ip_network("192.0.2.0/24"),), connections=7))
    assert limits.connections == 7
    assert limits.boundless("192.0.2.9")
    assert limits.boundless("127.0.0.1")
    assert limits.boundless("::1")
    assert not limits.boundless("198.51.100.1")
    assert not limits.boundless("")


def test_without_a_table_there_is_no_tls() -> None:
    assert tls_of(settings.Web()) is None
