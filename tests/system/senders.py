"""Clients under load, and what a sink took, counted."""

from __future__ import annotations

import itertools
import re
import smtplib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator


class Senders:
    """Clients that send message after message and note which were acknowledged."""

    def __init__(self, port: int, count: int = 8, *, prefix: str = "m", lines: int = 300) -> None:
        self.acknowledged: set[str] = set()
        self.refused = Counter[int]()
        self._port = port
        self._prefix = prefix
        self._lines = lines
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, sender: int) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self._port, "client.example", timeout=10) as smtp:
                    while not self._stop.is_set():
                        number += 1
                        name = f"{self._prefix}-{sender}-{number}"
                        text = (
                            f"From: a@example.net\r\nX-Id: {name}\r\n\r\n"
                            + "text\r\n" * self._lines
                        )
                        smtp.sendmail("a@example.net", ["b@example.com"], text)
                        self.acknowledged.add(name)
            except smtplib.SMTPDataError as refused:
                self.refused[refused.smtp_code] += 1
                time.sleep(0.02)
            except smtplib.SMTPSenderRefused as refused:
                self.refused[refused.smtp_code] += 1
                time.sleep(0.02)
            except (OSError, smtplib.SMTPException):
                time.sleep(0.02)


def rounds(least: int, enough: Callable[[], bool], seconds: float = 120) -> Iterator[int]:
    """Count rounds: so many, and more where a busy machine has not yet done enough in these."""
    end = time.monotonic() + seconds
    for number in itertools.count():
        if number >= least and (enough() or time.monotonic() > end):
            return
        yield number


def counted(bodies: list[bytes]) -> Counter[str]:
    found = Counter[str]()
    for body in bodies:
        match = re.search(rb"^X-Id: (\S+)\r$", body[:4000], re.MULTILINE)
        assert match
        found[match[1].decode()] += 1
    return found
