"""What an operator sees of mail that a server keeps while the database is away, and does to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.postgresql import PostgresServer

from .senders import counted
from .test_cluster import queued, until
from .test_spilling import own, spilled, spilling, taken

__all__ = ["own"]  # a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_what_is_kept_is_shown_and_changed_by_the_running_server_and_arrives_so(
    served: Callable[..., Any],
    sink: Callable[..., Any],
    own: PostgresServer,
) -> None:
    target = sink()
    server = served(spilling(own.url, target.port), workers=2)
    own.crash()
    server.start()
    for name in ("m1", "m2", "m3"):
        until(partial(taken, server, name), "mail being kept", 60)
    kept = spilled(server.data)
    assert kept >= 3

    def done(verb: str, *which: str) -> str:
        did = server.ulak("queue", verb, *which, "--lang", "en")
        assert did.returncode == 1, "the database was not asked"
        return " ".join(f"{did.stdout}{did.stderr}".split())

    assert done("list").count("b@example.com") == kept
    assert "Messages that this machine alone has" in done("list")
    assert "hold these messages now with `ulak queue hold`" in done("bounce", "--all")
    for verb, state in (("hold", "held"), ("release", "ready"), ("hold", "held")):
        assert f"to whom it was done all the same: {kept}." in done(verb, "--all")
        told = json.loads(server.ulak("queue", "list", "--json").stdout)
        assert {row["state"] for row in told["recipients"]} == {state}
    first, *others = [row["id"] for row in told["recipients"]]
    assert "all the same: 1." in done("drop", first)
    own.start()
    until(lambda: spilled(server.data) == 0, "all in the database", 60)
    rows = queued(server)
    assert {(row["id"], row["state"]) for row in rows} == {(one, "held") for one in others}
    assert not target.messages
    assert server.ulak("queue", "release", "--all").returncode == 0
    until(lambda: len(target.messages) == kept - 1, "the others", 60)
    until(lambda: queued(server) == [], "an empty queue", 60)
    assert server.stop() == 0
    assert max(counted([m.body for m in target.messages]).values()) == 1
