"""Mail over LMTP from Postfix and swaks."""

from __future__ import annotations

import os
import smtplib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import free_port

from .postfix import Postfix, arrived, program, run
from .test_clients import LOCAL


@pytest.fixture
def sockets() -> Iterator[Path]:
    """A folder into which Postfix's own user may go."""
    with tempfile.TemporaryDirectory(prefix="ulak-lmtp-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("unix", [False, True])
def test_postfix_delivers_over_lmtp_and_hears_of_each_recipient(
    served: Callable[..., Any], postfix: Callable[..., Postfix], sockets: Path, *, unix: bool
) -> None:
    if unix:
        where = f"unix:{sockets}/in.sock"
        listener = f'[[listener]]\nkind = "lmtp"\naddress = "{where}"\nsocket_group = "postfix"\n'
    else:
        port = free_port()
        where = f"inet:127.0.0.1:{port}"
        listener = f'[[listener]]\nkind = "lmtp"\naddress = "127.0.0.1:{port}"\n'
    if os.geteuid() != 0:
        pytest.skip("Postfix changes users: only root can start it")
    server = served(LOCAL + listener)
    server.start()
    upstream = postfix(0, more=f"relayhost =\ndefault_transport = lmtp:{where}")
    with smtplib.SMTP("127.0.0.1", upstream.port) as smtp:
        smtp.sendmail(
            "grace@example.org",
            ["ada@example.org", "nobody@example.org"],
            "From: grace@example.org\nSubject: through Postfix\n\nhello\n",
        )
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b" with LMTP id " in text
    # Postfix keeps the queue: what was refused at RCPT it reports itself.
    (report,) = arrived(server.data / "mail" / "example.org" / "grace")
    assert b"nobody@example.org" in report
    assert b"there is no such mailbox here" in report.replace(b"\n   ", b" ")


def test_swaks_delivers_over_lmtp(served: Callable[..., Any]) -> None:
    swaks = program("swaks", "swaks")
    port = free_port()
    server = served(f'{LOCAL}[[listener]]\nkind = "lmtp"\naddress = "127.0.0.1:{port}"\n')
    server.start()
    sent = run(
        *(swaks, "--server", "127.0.0.1", "--port", str(port), "--protocol", "LMTP"),
        *("--from", "g@example.net", "--to", "ada@example.org,grace@example.org"),
    )
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert sent.stdout.count(" is safely queued") == 2
    for user in ("ada", "grace"):
        (text,) = arrived(server.data / "mail" / "example.org" / user)
        assert b" with LMTP id " in text
