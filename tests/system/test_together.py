"""What servers that share a queue know together, seen from outside."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.postgresql import PostgresServer

pytestmark = pytest.mark.slow


def refused(server: Any) -> str:
    """Say how a server answers to a recipient; nothing where it takes him."""
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        smtp.ehlo()
        smtp.mail("a@example.org")
        code, text = smtp.rcpt("bob@example.com")
    return "" if code == 250 else text.decode()


def test_whom_one_server_must_not_write_to_the_others_do_not_write_to(
    served: Callable[..., Any], sink: Callable[..., Any], database: PostgresServer
) -> None:
    settings = (
        '[relay]\nnetworks = ["127.0.0.0/8"]\n'
        f'[route]\n"*" = "smtp:127.0.0.1:{sink().port}"\n'
        f'[queue]\nstore = "{database.fresh()}"\n'
    )
    one, other = served(settings), served(settings)
    one.start()
    other.start()
    assert refused(other) == ""
    added = one.ulak("suppression", "add", "bob@example.com", "--note", "asked by phone")
    assert added.returncode == 0, added.stderr
    end = time.monotonic() + 60
    while "asked by phone" not in refused(other) and time.monotonic() < end:
        time.sleep(0.2)
    assert "asked by phone" in refused(other)
    assert "asked by phone" in other.ulak("suppression", "show", "bob@example.com").stdout
