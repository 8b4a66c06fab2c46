"""The console of a running server: the web in its own process, workers beside it, a browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2 as httpx
import pytest
from tests.conftest import Served, free_port
from tests.system.client import Client
from tests.system.test_serve import LOCAL

SECRET = "correct horse battery"


@pytest.fixture
def watched(served: Callable[..., Any]) -> Iterator[tuple[Served, httpx.Client]]:
    """A server, and an operator who is logged in."""
    port = free_port()
    server: Served = served(LOCAL + f'[web]\naddress = "127.0.0.1:{port}"\n', workers=2)
    server.start()
    assert server.ulak("account", "add", "ada@example.org", given=SECRET).returncode == 0
    assert server.ulak("account", "role", "ada@example.org", "admin").returncode == 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as browser:
        page = browser.get("/console/login").text
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found
        data = {"token": found[1], "name": "ada@example.org", "password": SECRET}
        answer = browser.post("/console/login", data=data)
        assert answer.status_code == 303, answer.text
        yield server, browser


def events(lines: Any, count: int) -> list[tuple[str, str]]:
    """Read so many events of a stream."""
    found, name, data = [], "", []
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif not line and name:
            found.append((name, "\n".join(data)))
            name, data = "", []
            if len(found) == count:
                break
    return found


def test_an_operator_watches_a_server_at_work(watched: tuple[Served, httpx.Client]) -> None:
    server, browser = watched
    with Client(server.port) as client:
        client.hear()
        client.say("EHLO client.example")
        page = browser.get("/console/sessions").text
        assert "client.example" in page
        with browser.stream("GET", "/console/now/live?span=hour") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            lines = answer.iter_lines()
            assert {name for name, _ in events(lines, 2)} == {"tiles", "charts"}
            assert client.send().startswith("250")
            # What has just happened is seen without asking again.
            for _ in range(5):
                (name, tiles), *_ = events(lines, 1)
                if name == "tiles" and "0/s" not in tiles.split("Refusals")[0]:
                    break
            assert "Messages accepted" in tiles
            assert re.search(r"<strong[^>]*>[0-9.]+/s", tiles)
    for path in ("destinations", "blocklists", "reports", "settings", "records", "queue", "audit"):
        assert browser.get(f"/console/{path}").status_code == 200, path
    assert "ada@example.org" in browser.get("/tr/console/audit").text
