"""An operator sees which destinations wait for what, is told when they do, and can end it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.app.test_operation import Asking, send
from tests.cli.names import serving
from tests.conftest import Served
from tests.system.test_serve import LOCAL

from ulak.dns.zone import Zone
from ulak.journal.memory import MemoryJournal
from ulak.lab.mx import Behaviour

REPLY = "421 4.7.1 Service unavailable; client [192.0.2.9] blocked using zen.spamhaus.org"


@pytest.fixture
def listed(served: Callable[..., Any], sink: Callable[..., Any]) -> Iterator[tuple[Served, str]]:
    """A server whose address a smart host finds on a list, and the site of that host."""
    names = Zone(
        {
            ("2.0.0.127.list.example", "A"): ["127.0.0.2"],
            ("9.2.0.192.list.example", "A"): ["127.0.0.4"],
        }
    )
    refusing = sink(Behaviour(at={"RCPT": REPLY}))
    with serving(names) as dns:
        server = served(
            LOCAL
            + '[relay]\nnetworks = ["127.0.0.9/32"]\n[checks]\nspf = "off"\ndkim = "off"\n'
            + 'dmarc = "off"\niprev = "off"\nhelo = "off"\narc = "off"\n'
            + f'[route]\n"*" = "smtp:127.0.0.1:{refusing.port}"\n[dns]\nservers = ["{dns}"]\n'
            + '[[policy.dnsbl]]\nzone = "list.example"\n',
        )
        server.start()
        yield server, f"smtp:127.0.0.1:{refusing.port}"


def until(server: Served, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Look at the sites until something holds."""
    end = time.monotonic() + 30
    while True:
        told = server.ulak("queue", "sites", "--json")
        found: list[dict[str, Any]] = json.loads(told.stdout)["sites"]
        if holds(found):
            return found
        assert time.monotonic() < end, told
        time.sleep(0.1)


def logged(server: Served, event: str) -> dict[str, Any]:
    end = time.monotonic() + 30
    while True:
        lines = [line for line in server.log().splitlines() if event in line]
        if lines:
            found: dict[str, Any] = json.loads(lines[-1])
            return found
        assert time.monotonic() < end, server.log()
        time.sleep(0.1)


def test_a_listed_address_suspends_the_site_and_the_operator_reads_where_it_is_listed(
    listed: tuple[Served, str],
) -> None:
    server, name = listed
    assert send(server, "far@example.net").startswith("250")
    (site,) = until(server, lambda sites: any("suspended" in site for site in sites))
    about = site["suspended"]
    assert (site["site"], about["why"], about["cause"]) == (name, "refused", "listed-by-dnsbl")
    assert about["until"] > time.time() + 60
    assert about["reply"] == REPLY
    line = logged(server, "site-suspended")
    assert (line["listed"], line["ip"], line["rule"]) == ("list.example", "192.0.2.9", "listed")

    ask = Asking(server.config, MemoryJournal())
    (place,) = ask(lambda operation: operation.destinations()).shown
    assert (place.key, place.until) == (name, about["until"])
    (terms,) = place.terms
    assert terms.stopped is not None
    assert (terms.stopped.why, terms.stopped.rule) == ("refused", "listed")
    assert (terms.stopped.until, terms.stopped.reply) == (about["until"], REPLY)
    assert 0 < terms.window <= terms.most

    shown = " ".join(server.ulak("queue", "sites", "--lang", "en").stdout.split())
    assert f"Nothing is sent to {name} until" in shown
    (row,) = json.loads(server.ulak("queue", "list", "--json").stdout)["recipients"]
    told = " ".join(server.ulak("queue", "show", row["id"], "--lang", "en").stdout.split())
    assert f"Nothing is sent to {name} until" in told
    story = " ".join(server.ulak("why", row["id"], "--lang", "en").stdout.split())
    assert f"Nothing is sent to {name} until" in story
    assert "by the rule listed" in story
    assert row["waiting"]["site"] == name
    assert row["due"] >= about["until"]

    resumed = server.ulak("queue", "sites", "resume", name, "--lang", "en")
    assert (resumed.returncode, resumed.stdout) == (0, f"Mail is sent to {name} again.\n")
    assert logged(server, "site-resumed")["site"] == name
    assert logged(server, '"resume-site"')["site"] == name
    again = server.ulak("queue", "sites", "resume", name, "--lang", "en")
    assert again.returncode == 1
    assert "Nothing holds back" in again.stdout


def test_without_a_server_nothing_is_known_of_sites(served: Callable[..., Any]) -> None:
    server = served(LOCAL)
    server.write()
    assert json.loads(server.ulak("queue", "sites", "--json").stdout) == {"sites": []}
    for words in (["queue", "sites"], ["queue", "sites", "resume", "google"]):
        told = server.ulak(*words, "--lang", "en")
        assert told.returncode == 1
        assert "start it with `ulak serve`" in told.stderr
