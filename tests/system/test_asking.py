"""Servers that share a queue are asked as one: what one has seen is told at any of them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import smtplib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.postgresql import PostgresServer

from ulak import config
from ulak.app.asking.others import others_of
from ulak.app.operation import LiveOperation
from ulak.dns.zone import Zone
from ulak.journal.entry import Kind
from ulak.journal.figures import Figures, Span
from ulak.journal.memory import MemoryJournal
from ulak.lab.mx import Behaviour
from ulak.web.console.absent import Missing
from ulak.web.console.ports import Now

from .test_cluster import settings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAUSED = "[delivery]\npaused = true\n"


def send(server: Any) -> str:
    """Send a message; give its id."""
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        smtp.mail("a@example.net")
        smtp.rcpt("b@example.com")
        code, said = smtp.data("From: a@example.net\r\n\r\ntext\r\n")
    assert code == 250, said
    found = re.search(r"\b([0-9a-z]{10,})\b", said.decode())
    assert found, said
    return found[1]


def why(server: Any, identifier: str, *words: str) -> Any:
    told = server.ulak("why", identifier, "--json", *words)
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout)


def kinds(story: Any) -> set[tuple[str, str]]:
    return {(each["kind"], each["facts"].get("member", "")) for each in story["entries"]}


def test_a_message_that_one_took_and_another_delivered_is_one_story_at_each(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    target = sink()
    url = database.fresh()
    takes = served(settings(url, target.port) + PAUSED)
    delivers = served(settings(url, target.port), workers=2)
    looks = served(settings(url, target.port) + PAUSED)
    servers = (takes, delivers, looks)
    takes.start()
    message = send(takes)
    looks.start()
    delivers.start()
    until(lambda: target.messages, "the message")
    for server in servers:
        story = until(partial(_whole, server, message), "the whole story")
        named = dict(kinds(story))
        assert named["accepted"].endswith(str(takes.data))
        assert named["delivered"].endswith(str(delivers.data))
        assert story["silent"] == []
        times = [each["time"] for each in story["entries"]]
        assert times == sorted(times)
    short = why(looks, message[:-2])
    assert short["id"] == message
    shown = looks.ulak("why", message, "--lang", "en").stdout
    assert f"{delivers.data}." in " ".join(shown.split())
    # Only this server, if that is wanted.
    assert kinds(why(delivers, message, "--here")) == {("delivered", "")}
    assert delivers.stop() == 0
    assert why(looks, message)["silent"] == []  # it has left, and nobody waits for it
    os.killpg(takes.process.pid, signal.SIGSTOP)
    told = looks.ulak("why", message, "--lang", "en")
    os.killpg(takes.process.pid, signal.SIGCONT)
    assert told.returncode == 1
    assert f"{takes.data} has not answered; what it knows is missing here." in told.stderr
    assert takes.stop() == looks.stop() == 0


def _whole(server: Any, identifier: str) -> Any:
    story = why(server, identifier)
    return story if {"accepted", "delivered"} <= {kind for kind, _ in kinds(story)} else None


def test_sites_are_told_and_sent_to_again_by_all(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    refusing = sink(Behaviour(at={"RCPT": "421 4.7.1 Service unavailable; blocked"}))
    url = database.fresh()
    named = '[cluster]\nname = "{}"\n'
    delivers = served(settings(url, refusing.port) + named.format("mx1"))
    looks = served(settings(url, refusing.port) + PAUSED + named.format("mx2"))
    delivers.start()
    looks.start()
    send(delivers)
    site = until(partial(_suspended, looks), "a site that waits")
    assert site["member"] == "mx1"
    shown = looks.ulak("queue", "sites", "--lang", "en").stdout
    assert "Server" in shown.splitlines()[0]
    assert "mx1" in shown
    assert json.loads(looks.ulak("queue", "sites", "--json", "--here").stdout) == {"sites": []}
    resumed = looks.ulak("queue", "sites", "resume", site["site"], "--lang", "en")
    assert resumed.returncode == 0, resumed.stderr
    until(lambda: "resume-site" in delivers.log(), "the note of it")
    assert delivers.stop() == 0
    assert looks.stop() == 0
    # Nobody is there to be asked: that is said as where there is one server.
    nobody = looks.ulak("queue", "sites", "--lang", "en")
    assert nobody.returncode == 1
    assert "start it with `ulak serve`" in nobody.stderr


def _suspended(server: Any) -> Any:
    told = server.ulak("queue", "sites", "--json")
    assert told.returncode == 0, told.stderr
    return next((one for one in json.loads(told.stdout)["sites"] if "suspended" in one), None)


def test_the_console_of_one_tells_of_all_and_names_who_is_asleep(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    target = sink()
    url = database.fresh()
    more = settings(url, target.port)
    first = served(more + '[cluster]\nname = "mx1"\n')
    second = served(more + '[cluster]\nname = "mx2"\n', workers=2)
    first.start()
    second.start()
    send(second)
    until(lambda: target.messages, "the message")
    now = until(lambda: _now(first, lambda now: now.counted.get("accepted") == 1), "the count")
    assert (now.members, now.workers, now.expected) == (("mx1", "mx2"), 3, 3)
    assert not now.missing
    with smtplib.SMTP("127.0.0.1", second.port, "client.example", timeout=30) as client:
        client.ehlo()
        (session,) = until(lambda: _console(first, lambda one: one.sessions()).shown, "a session")
        assert session.member == "mx2"
    figures = until(partial(_counted, first), "the figures")
    assert figures.total(Kind.ACCEPTED) == 1
    os.killpg(second.process.pid, signal.SIGSTOP)
    now = _console(first, lambda operation: operation.now())
    os.killpg(second.process.pid, signal.SIGCONT)
    assert now.missing == Missing(("mx2",))
    assert (now.members, now.workers) == (("mx1",), 1)
    assert first.stop() == second.stop() == 0


def _console(server: Any, look: Callable[[LiveOperation], Any]) -> Any:
    """Look at a server as its console does."""

    async def run() -> Any:
        chosen = config.load(server.config)
        others = others_of(chosen)
        operation = LiveOperation(chosen, MemoryJournal(), Zone({}), others=others)
        try:
            return await look(operation)
        finally:
            operation.close()
            await others.close()

    return asyncio.run(run())


def _now(server: Any, holds: Callable[[Now], bool]) -> Now | None:
    now: Now = _console(server, lambda operation: operation.now())
    return now if holds(now) else None


def _counted(server: Any) -> Figures | None:
    figures: Figures = _console(server, lambda operation: operation.figures(Span.DAY))
    return figures if figures.total(Kind.ACCEPTED) else None
