"""The client's side of a session that sends no message: it only asks, and keeps every reply.

(RFC 5321 §3.5, §4.1.1.) DATA and BDAT are never said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ulak.smtp.client.extensions import Offer
from ulak.smtp.client.reply import PeerReply
from ulak.smtp.client.session import CLOSING, Session
from ulak.smtp.client.states import Stage, Step


@dataclass(frozen=True, slots=True)
class Said:
    """A command, `""` for the connection itself, and what was answered; `secure` under TLS."""

    command: str
    reply: PeerReply
    secure: bool


class ProbeCore(Session):
    """One session. `asks` are the commands after the opening; `said` is all that was answered.

    `offers` are what the server offered: in the clear, then under TLS, as far as it came.
    """

    def __init__(
        self, hostname: str, asks: Sequence[str], *, starttls: bool, secure: bool = False
    ) -> None:
        super().__init__(hostname, starttls=starttls, secure=secure)
        self.said: list[Said] = []
        self.offers: list[tuple[bool, Offer]] = []
        self._asks = list(asks)
        self._command = ""
        self._take_at |= {Stage.RCPT: self._answered}
        self._take_at = {stage: partial(self._noted, take) for stage, take in self._take_at.items()}

    def _noted(self, take: Callable[[PeerReply], Step], reply: PeerReply) -> Step:
        self.said.append(Said(self._command, reply, self.secure))
        if self.stage is Stage.HELLO and reply.positive:
            step = take(reply)
            self.offers.append((self.secure, self.offer))
            return step
        return take(reply)

    def _send(self, commands: str, shown: str = "") -> None:
        self._command = commands.removesuffix("\r\n")
        super()._send(commands, shown)

    def ask(self) -> bool:
        """Say the next command, in the end QUIT; False where there is nothing more to say."""
        if self.stage is not Stage.IDLE or not self.usable:
            return False
        if not self._asks:
            return self.quit()
        self.stage = Stage.RCPT
        self._send(f"{self._asks.pop(0)}\r\n")
        return True

    def _answered(self, reply: PeerReply) -> Step:
        if reply.code == CLOSING:
            return self._refused(reply)
        self.stage = Stage.IDLE
        return Step.DONE
