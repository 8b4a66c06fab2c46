"""A certificate is renewed while the server runs, and nobody's connection is cut for it."""

from __future__ import annotations

import os
import signal
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.client import Client

from ulak.lab.certificate import certificate

LOCAL = '[domains."example.org"]\nmailboxes = ["ada"]\n'


def serial(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=10)


def wait_for(condition: Callable[[], bool], server: Any) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, server.log()
        time.sleep(0.05)


def test_sighup_brings_a_new_certificate_and_no_connection_ends(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    chain, key = certificate("mx.example.org").write(tmp_path)
    server = served(
        LOCAL,
        workers=2,
        tls=f'tls = {{ mode = "implicit", certificate = "{chain}", key = "{key}" }}',
    )
    server.begin()
    wait_for(lambda: server.log().count('"ready"') == 2, server)
    workers = server.workers_of()
    before = serial(server.port)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    with Client(server.port, trusting=trusting) as client:
        client.hear()
        client.say("EHLO c.example.net")
        newer = certificate("mx.example.org")
        newer.write(tmp_path)
        os.kill(server.process.pid, signal.SIGHUP)
        wait_for(lambda: server.log().count('"certificate-renewed"') == 2, server)
        after = {serial(server.port) for _ in range(8)}
        assert len(after) == 1
        assert after != {before}
        chain.write_text("half of it")
        os.kill(server.process.pid, signal.SIGHUP)
        wait_for(lambda: str(chain) in server.log() and "reload-refused" in server.log(), server)
        assert {serial(server.port) for _ in range(4)} == after
        assert client.send().startswith("250")
    assert server.workers_of() == workers
    assert server.stop() == 0
