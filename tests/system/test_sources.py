"""Sources, end to end: a whole server sends from each of its addresses, as its plans have it."""

from __future__ import annotations

import json
import smtplib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from .test_delivery import until

pytestmark = pytest.mark.slow

CONFIG = """
[relay]
networks = ["127.0.0.0/8"]
[route]
"*" = "smtp:127.0.0.1:{port}"
[[source]]
name = "warm"
address = "127.0.0.2"
hostname = "warm.example.org"
[[source]]
name = "new"
address = "127.0.0.3"
hostname = "new.example.org"
warmup = {{ start = "{today}", per_day = [7] }}
[[source]]
name = "gone"
address = "192.0.2.77"
[pools.p]
sources = {{ new = 100, gone = 1, warm = 1 }}
[delivery]
pool = "p"
"""


def test_mail_leaves_from_the_sources_as_their_plans_have_it(
    served: Callable[..., Any], sink: Callable[..., Any]
) -> None:
    other = sink()
    today = datetime.now(UTC).date()
    server = served(CONFIG.format(port=other.port, today=today), workers=2)
    server.start()
    with smtplib.SMTP("127.0.0.1", server.port, "client.example", timeout=30) as smtp:
        for i in range(20):
            text = f"From: ada@example.org\r\nSubject: {i}\r\n\r\nx\r\n"
            smtp.sendmail("ada@example.org", ["far@example.com"], text)
    until(lambda: len(other.messages) >= 20, "mail at the next server")
    sent: Counter[tuple[str, str]] = Counter()
    for session in other.server.sessions:
        sent[session.peer, session.commands[0]] += len(session.taken)
    assert sent == {
        ("127.0.0.3", "EHLO new.example.org"): 7,
        ("127.0.0.2", "EHLO warm.example.org"): 13,
    }
    told = json.loads(server.ulak("sources", "--json").stdout)
    (new,) = [one for one in told["sources"] if one["name"] == "new"]
    assert list(new["sent"].values()) == [7]
    assert "source-unusable" in (server.folder / "log").read_text("utf-8")
