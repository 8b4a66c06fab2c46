"""A refused sender follows the link in the reply, on a whole server in the lab."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import pytest
from tests.system.web import Web

from ulak.lab import senders
from ulak.replies.refusal import parted

from .test_checks import HERE, mail, send
from .test_delivery import Lab, lab, until

__all__ = ["lab"]
pytestmark = pytest.mark.slow


def refused(served: Callable[..., Any], lab: Lab, why: str) -> tuple[Web, str]:
    """Have mail refused for SPF; give the server and the reply."""
    web = Web(
        served, rest=f'{HERE}{lab.settings()}[checks]\nspf = "enforce"\ndmarc = "off"\n[why]\n{why}'
    )
    web.start()
    said = send(
        web.server,
        mail("secret@nowhere.example", b"nobody may read this\r\n"),
        f"secret@{senders.FIRM}",
        source=senders.NAMELESS_IP,
        helo="client.example",
    )
    assert said.startswith("550 5.7.23 "), said
    return web, said


def test_the_way_from_the_reply_to_the_page_to_a_check(
    served: Callable[..., Any], lab: Lab
) -> None:
    web, said = refused(served, lab, 'address = "http://mx.example.org/why/"')
    _, identifier, link = parted(said)
    assert link == f"http://mx.example.org/why/{identifier}"
    status, page = until(lambda: _found(web, f"/why/{identifier}"), "the page")
    assert status == 200
    for part in (senders.NAMELESS_IP, "client.example", senders.FIRM, "v=spf1", "5.7.23"):
        assert part in page, part
    for part in ("secret@", "nobody may read this", "ada@example.org", str(web.server.folder)):
        assert part not in page, part
    status, turkish = web.ask(f"/why/{identifier}", accept_language="tr")
    assert '<html lang="tr"' in turkish
    link_of_web = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    link_of_web.request("POST", f"/why/{identifier}", headers={"content-length": "0"})
    answer = link_of_web.getresponse()
    assert answer.status == 200
    assert "It is still so" in answer.read().decode()
    link_of_web.close()
    story = web.server.ulak("why", identifier, "--lang", "en").stdout
    assert f"SPF was checked for {senders.FIRM}: fail" in " ".join(story.split())
    explained = web.server.ulak("explain", said, "--json").stdout
    assert '"cause": "spf-fail"' in explained
    assert link in explained


def test_the_page_can_be_switched_off_and_replies_be_left_as_they_are(
    served: Callable[..., Any], lab: Lab
) -> None:
    web, said = refused(served, lab, "page = false")
    identifier = parted(said)[1]
    assert said.endswith(f"(refusal {identifier})")
    assert web.ask(f"/why/{identifier}")[0] == 404
    assert web.server.stop() == 0
    web.server.more = web.server.more.replace("page = false", "ids = false")
    web.server.start()
    said = send(
        web.server,
        mail("x@nowhere.example"),
        f"x@{senders.FIRM}",
        source=senders.NAMELESS_IP,
    )
    assert parted(said)[1] == ""


def _found(web: Web, path: str) -> tuple[int, str] | None:
    status, page = web.ask(path)
    return (status, page) if status == 200 else None
