"""`ulak send` sends one message and explains what it was told."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from ulak.lab.mx import Behaviour


def ulak(*words: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ulak", "send", *words],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )


def addressed(port: int, *to: str) -> list[str]:
    words = ["--server", f"127.0.0.1:{port}", "--from", "g@example.net"]
    for one in to:
        words += ["--to", one]
    return words


def test_a_message_that_is_taken_shows_its_dialogue(sink: Callable[..., Any]) -> None:
    server = sink()
    sent = ulak(*addressed(server.port, "a@example.com"), "--lang", "en")
    assert sent.returncode == 0, sent.stderr
    assert b"C: MAIL FROM:<g@example.net>" in sent.stdout
    assert b"S: 250" in sent.stdout
    assert len(server.messages) == 1


def test_a_refused_recipient_is_explained_and_is_a_finding(sink: Callable[..., Any]) -> None:
    behaviour = Behaviour(at={"RCPT b@example.com": "550 5.1.1 No such user here"})
    server = sink(behaviour)
    sent = ulak(*addressed(server.port, "a@example.com", "b@example.com"), "--json")
    assert sent.returncode == 1
    told = json.loads(sent.stdout)
    results = {outcome["recipient"]: outcome for outcome in told["outcomes"]}
    assert results["a@example.com"]["result"] == "delivered"
    assert results["b@example.com"]["result"] == "failed"
    assert results["b@example.com"]["explanation"]["family"] == "recipient-unknown"


def test_a_message_from_standard_input_goes_out_with_crlf(sink: Callable[..., Any]) -> None:
    server = sink()
    sent = ulak(*addressed(server.port, "a@example.com"), "-", given=b"From: g\n\n.dot\nlast")
    assert sent.returncode == 0, sent.stderr
    assert server.messages[0].body == b"From: g\r\n\r\n.dot\r\nlast\r\n"


def test_a_wrong_server_is_said_in_a_sentence() -> None:
    wrong = ulak("--server", "nonsense", "--from", "a@b.example", "--to", "c@d.example")
    assert wrong.returncode == 2
    assert b"nonsense" in wrong.stderr
    assert b"Traceback" not in wrong.stderr
