"""Visitors cannot make this server connect into a network, whatever DNS says of where that is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.web.tools.world import events, live_of

from ulak import config as settings
from ulak.app.web.tools import ports_of
from ulak.dns import Zone
from ulak.web import tools
from ulak.web.application import application
from ulak.web.site import Site

INSIDE = [
    ("A", "127.0.0.1"),
    ("A", "127.9.9.9"),
    ("AAAA", "::1"),
    ("AAAA", "::ffff:127.0.0.1"),
    ("AAAA", "2002:7f00:1::"),
    ("AAAA", "64:ff9b::7f00:1"),
]


class Door:
    """A port of this machine at which nobody says anything; it counts who comes."""

    def __init__(self) -> None:
        self.came = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._open, daemon=True).start()

    def _open(self) -> None:
        while True:
            try:
                one, _ = self._socket.accept()
            except OSError:
                return
            self.came += 1
            one.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def doors() -> Iterator[tuple[Door, Door]]:
    made = Door(), Door()
    yield made
    for door in made:
        door.close()


def client(folder: Path, doors: tuple[Door, Door], zone: Zone, *, private: bool) -> TestClient:
    mail, https = doors
    file = folder / "ulak.toml"
    file.write_text(
        f'hostname = "mx.example.org"\ndelivery = {{ port = {mail.port} }}\n'
        f"[web]\nprivate = {str(private).lower()}\n",
        "utf-8",
    )
    ports = ports_of(settings.load(file), zone, lambda _: "INC1", https_port=https.port)
    site = Site("mx.example.org")
    return TestClient(application(site, [tools.piece(tools.Bench(ports))], lambda _: "INC1"))


def zone(kind: str, address: str) -> Zone:
    return Zone(
        {
            ("evil.example", "MX"): [(10, "mx.evil.example")],
            ("mx.evil.example", kind): [address],
            ("_mta-sts.evil.example", "TXT"): ["v=STSv1; id=1"],
            ("mta-sts.evil.example", kind): [address],
        }
    )


@pytest.mark.parametrize(("kind", "address"), INSIDE)
def test_nothing_inside_is_connected_to(
    tmp_path: Path, doors: tuple[Door, Door], kind: str, address: str
) -> None:
    params = {"name": "evil.example", "connect": "1"}
    with client(tmp_path, doors, zone(kind, address), private=False) as visitor:
        page = visitor.get("/check/domain", params=params).text
        assert "private" in page
        live = visitor.get("/check/domain", params={**params, "selector": "a", "live": "1"}).text
        assert "event: end" in visitor.get(live_of(live)).text
    assert [door.came for door in doors] == [0, 0]


def test_the_operator_may_allow_it(tmp_path: Path, doors: tuple[Door, Door]) -> None:
    with client(tmp_path, doors, zone("A", "127.0.0.1"), private=True) as visitor:
        params = {"name": "evil.example", "connect": "1", "live": "1"}
        stream = visitor.get(live_of(visitor.get("/check/domain", params=params).text)).text
    assert list(events(stream))[-1][1] == "end"
    assert all(door.came for door in doors)


def test_no_port_and_no_address_may_be_chosen(tmp_path: Path, doors: tuple[Door, Door]) -> None:
    port = doors[0].port
    with client(tmp_path, doors, zone("A", "127.0.0.1"), private=False) as visitor:
        for name in (f"127.0.0.1:{port}", f"localhost:{port}", "[::1]", f"evil.example:{port}"):
            params = {"name": name, "connect": "1"}
            assert visitor.get("/check/domain", params=params).status_code == 422, name
    assert [door.came for door in doors] == [0, 0]
