"""Clients that go to the next server when one is away, as senders go from one MX to the next."""

from __future__ import annotations

import smtplib
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

GOOD = "b@example.com", "c@example.com", "d@example.org"


_SMALL, _LARGE = 80, 40_000  # lines


@dataclass(slots=True)
class Told:
    """What clients were told of one message. Times are of `time.time`.

    `cut`: when a connection went after the message had been sent, so that nobody knows. `refused`:
    when a server said 4xx to the whole message.
    """

    recipients: tuple[str, ...] = GOOD[:1]
    acknowledged: bool = False
    cut: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)


def nobody(name: str) -> str:
    """Give somebody whom the sink does not know: a report goes to the sender of the message."""
    return f"nobody.{name}@example.com"


def _recipients(number: int, name: str) -> tuple[str, ...]:
    if number % 7 == 3:
        return GOOD
    return (GOOD[0], nobody(name)) if number % 11 == 5 else GOOD[:1]


class Clients:
    """Each sends one message after another, to the next server and again until it is taken.

    Some have several recipients, some one whom nobody knows, and some are large.
    """

    def __init__(
        self,
        servers: Sequence[tuple[str, int]],
        count: int,
        *,
        pause: float = 0.02,
    ) -> None:
        self.told: dict[str, Told] = {}
        self.replies: Counter[int] = Counter()
        self._servers = servers
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> set[str]:
        return {name for name, told in self.told.copy().items() if told.acknowledged}

    def stop(self) -> None:
        """Begin no further message; wait until the last ones are taken, or nobody takes them."""
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _run(self, client: int) -> None:
        at = client
        number = 0
        name = ""
        while not self._stop.is_set():
            host, port = self._servers[at % len(self._servers)]
            try:
                with smtplib.SMTP(host, port, "client.example", timeout=15) as smtp:
                    smtp.ehlo()
                    while not self._stop.is_set():
                        if not name or self.told[name].acknowledged:
                            number += 1
                            name = f"c{client}-{number}"
                            self.told[name] = Told(_recipients(number, name))
                        self._send(smtp, name, _LARGE if number % 40 == 13 else _SMALL)
                        time.sleep(self._pause)
            except (OSError, smtplib.SMTPException):
                at += 1
                time.sleep(0.05)

    def _send(self, smtp: smtplib.SMTP, name: str, lines: int) -> None:
        told = self.told[name]
        smtp.mail("a@example.net")
        for recipient in told.recipients:
            code, _ = smtp.rcpt(recipient)
            if code != 250:
                raise smtplib.SMTPException
        text = f"From: a@example.net\r\nX-Id: {name}\r\n\r\n" + "text of a message\r\n" * lines
        try:
            code, _ = smtp.data(text)
        except smtplib.SMTPDataError as refused:  # in place of 354
            code = refused.smtp_code
        except (OSError, smtplib.SMTPException):
            told.cut.append(time.time())
            raise
        self.replies[code] += 1
        if code == 250:
            told.acknowledged = True
            return
        told.refused.append(time.time())
        raise smtplib.SMTPDataError(code, b"")
