"""A large provider puts mail off: the whole server knows what that means there, and says so."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from ulak.lab.mx import Behaviour, ScriptedServer

from .test_delivery import LOCAL, Lab, lab, put_off, queued, send, until

__all__ = ["lab"]
pytestmark = pytest.mark.slow

TSS04 = (
    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or "
    "user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes"
)
PAGE = "https://help.yahoo.com/kb/review-xx-smtp-sln26151.html"


def at_yahoo(lab: Lab, behaviour: Behaviour) -> ScriptedServer:
    """Let two domains have their mail at hosts named as Yahoo's are."""
    server = ScriptedServer(behaviour, host="127.0.0.18", port=lab.net.port)
    for number, name in enumerate(("one.example", "two.example"), 5):
        host = f"mta{number}.am0.yahoodns.net"
        lab.net.zone.put(name, "MX", [(10, host)])
        lab.net.zone.put(host, "A", ["127.0.0.18"])
    return server


def test_a_provider_that_defers_is_left_alone_as_its_page_says_for_all_its_domains(
    served: Callable[..., Any], lab: Lab
) -> None:
    there = at_yahoo(lab, Behaviour(at={"MAIL": TSS04}))
    lab.run(there.start())
    server = served(LOCAL + lab.settings())
    server.start()
    first = send(server, "x@one.example")
    put_off(server)
    second = send(server, "x@two.example")
    until(lambda: len(queued(server)) == 2, "the second message")

    shown = " ".join(server.ulak("queue", "show", first, "--lang", "en").stdout.split())
    assert "Nothing is sent to yahoo until" in shown
    assert "(user-complaints) (rule yahoo-deferred): mta5.am0.yahoodns.net" in shown
    assert f"The rule follows {PAGE}, read on 2026-11-27." in shown
    (row,) = json.loads(server.ulak("queue", "show", second, "--json").stdout)["recipients"]
    assert row["attempts"] == 0
    waiting = row["waiting"]
    assert (waiting["site"], waiting["rule"]) == ("yahoo", "yahoo-deferred")
    assert waiting["read"] == {"source": PAGE, "date": "2026-11-27"}
    assert 1700 < waiting["until"] - time.time() <= 1800
    for language, words in (("tr", "Kural şu sayfaya dayanır"), ("ar", "القاعدة مأخوذة من")):
        assert words in server.ulak("queue", "show", first, "--lang", language).stdout
    (site,) = json.loads(server.ulak("queue", "sites", "--json").stdout)["sites"]
    assert site["site"] == "yahoo"
    assert len(there.sessions) == 1
    lab.run(there.stop())


def test_no_connection_has_more_messages_than_the_provider_takes(
    served: Callable[..., Any], lab: Lab
) -> None:
    there = at_yahoo(lab, Behaviour())
    lab.run(there.start())
    server = served(LOCAL + lab.settings(more="connections_per_destination = 1"))
    server.start()
    for _ in range(45):
        send(server, "x@one.example")
    until(lambda: len(there.messages) == 45, "all mail")
    assert max(len(session.taken) for session in there.sessions) <= 20
    assert len(there.sessions) >= 3
    lab.run(there.stop())
