"""A whole server that takes mail over LMTP, on a unix socket that its workers share."""

from __future__ import annotations

import contextlib
import signal
import smtplib
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.system.test_serve import LOCAL, arrived

TEXT = "From: g@example.net\n\nhello\n"
ADA = ["ada@example.org"]  # smtplib reads one reply, however many recipients there are


def listener(path: Path) -> str:
    return f'[[listener]]\naddress = "unix:{path}"\nkind = "lmtp"\nsocket_mode = "0600"\n'


def test_both_workers_take_mail_from_one_socket_and_a_worker_may_be_replaced(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "in.sock"
    server = served(LOCAL + listener(path), workers=2)
    server.start()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = server.workers_of()
    server.more += "[limits]\nerrors = 19\n"
    server.write()
    server.process.send_signal(signal.SIGHUP)
    sent = 0
    end = time.monotonic() + 30
    while sent < 20 or set(first) & set(server.workers_of()):
        assert time.monotonic() < end
        with contextlib.suppress(smtplib.SMTPException), smtplib.LMTP(str(path)) as lmtp:
            assert lmtp.sendmail("g@example.net", ADA, TEXT) == {}
            sent += 1
    assert len(arrived(server.data / "mail" / "example.org" / "ada", sent)) == sent
    assert server.stop() == 0
    assert not path.exists()


def test_a_socket_left_behind_is_taken_over_and_one_in_use_is_not(
    served: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "in.sock"
    server = served(LOCAL + listener(path))
    server.start()
    second = served(LOCAL + listener(path), data=str(tmp_path / "other"))
    second.write()
    refused = second.ulak("serve")
    assert refused.returncode == 2
    assert f"unix:{path} is in use" in refused.stderr
    assert "Traceback" not in refused.stderr
    server.kill()
    assert path.is_socket()
    server.start()
    with smtplib.LMTP(str(path)) as lmtp:
        lmtp.sendmail("g@example.net", ADA, TEXT)
    (text,) = arrived(server.data / "mail" / "example.org" / "ada")
    assert b" with LMTP id " in text
