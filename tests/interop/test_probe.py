"""`ulak probe` talks to Postfix."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ulak.cli import main

from .postfix import Postfix


def test_postfix_is_talked_to_and_gets_no_mail(
    postfix: Callable[..., Postfix], capsys: pytest.CaptureFixture[str]
) -> None:

    server = postfix(1)
    words = ["probe", f"127.0.0.1:{server.port}", "--json", "--lang", "en", "--helo", "me.example"]
    asks = ["--vrfy", "ada@example.com", "--rcpt", "grace@example.com"]
    assert main.main([*words, *asks], standalone_mode=False) == 0
    (found,) = json.loads(capsys.readouterr().out)["servers"]
    said = {one["command"]: one for one in found["replies"]}
    assert said["VRFY ada@example.com"]["code"] == 252
    assert said["VRFY ada@example.com"]["explanation"]["family"] == "verification-withheld"
    assert said["RCPT TO:<grace@example.com>"]["code"] == 250
    assert said["QUIT"]["secure"]
    assert found["tls"]["names"] == ["postfix.example.net"]
    assert not found["tls"]["trusted"]
    assert {"PIPELINING", "SIZE", "DSN"} <= {one["keyword"] for one in found["extensions"]}
    # In the clear, too.
    assert main.main([*words, "--tls", "none", "--rcpt", "a@b"], standalone_mode=False) == 0
    assert json.loads(capsys.readouterr().out)["servers"][0]["tls"] is None
    log = server.log()
    assert "DATA" not in log
    assert "lost connection" not in log.partition("starttls")[2]
