"""swaks as a proxy, and as a server in front that speaks for others."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.interop.postfix import arrived, program, run

LOCAL = '[domains."example.org"]\nmailboxes = ["ada", "grace"]\n'

PROXIED = [
    *("--proxy-family", "TCP4", "--proxy-source", "198.51.100.7", "--proxy-source-port", "4711"),
    *("--proxy-dest", "192.0.2.1", "--proxy-dest-port", "25"),
]
BINARY = ["--proxy-family", "AF_INET", *PROXIED[2:], "--proxy-protocol", "STREAM"]


def swaks(server: Any, *options: str) -> Any:
    return run(
        *(program("swaks", "swaks"), "--server", "127.0.0.1", "--port", str(server.port)),
        *("--from", "g@example.net", "--to", "ada@example.org", "--helo", "c.example.net"),
        *options,
    )


@pytest.mark.parametrize(("version", "options"), [("1", PROXIED), ("2", BINARY)])
def test_swaks_passes_a_client_on(
    served: Callable[..., Any], version: str, options: list[str]
) -> None:
    server = served(LOCAL, tls='proxy = ["127.0.0.1"]')
    server.begin()
    wait_until_it_listens(server)
    sent = swaks(server, "--proxy-version", version, *options)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b"from c.example.net ([198.51.100.7])" in text


def test_swaks_without_a_header_hears_what_is_missing(served: Callable[..., Any]) -> None:
    server = served(f"{LOCAL}[limits]\nhandshake_timeout = 1\n", tls='proxy = ["127.0.0.1"]')
    server.begin()
    wait_until_it_listens(server)
    sent = swaks(server)
    assert sent.returncode != 0
    assert "421 4.7.0 mx.example.org expects a PROXY header from here" in sent.stdout


def test_swaks_speaks_for_a_client(served: Callable[..., Any]) -> None:
    server = served(LOCAL, tls='xclient = ["127.0.0.1"]')
    server.start()
    sent = swaks(
        server,
        *("--xclient-helo", "spike.example", "--xclient-proto", "ESMTP", "--xclient-delim"),
        *("--xclient-name", "spike.example", "--xclient-addr", "198.51.100.7"),
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b"([198.51.100.7])" in text


def test_swaks_is_not_offered_to_speak_for_others_from_elsewhere(
    served: Callable[..., Any],
) -> None:
    server = served(LOCAL, tls='xclient = ["198.51.100.7"]')
    server.start()
    sent = swaks(server, "--xclient-addr", "198.51.100.7")
    assert sent.returncode != 0
    assert "Host did not advertise XCLIENT" in sent.stderr


def wait_until_it_listens(server: Any) -> None:
    """Wait for the log: who connects without a header is no proxy."""
    end = time.monotonic() + 30
    while "Listening on" not in server.log():
        assert time.monotonic() < end, server.log()
        time.sleep(0.05)
