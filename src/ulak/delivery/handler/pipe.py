"""Mail handed to a program: run once for each recipient, the message on its standard input.

No shell, and nothing of a stranger's on its command line: who sent, and to whom, stands in its
environment. Its exit code decides, as sysexits.h has it: 0 has taken the mail; 67 knows no such
recipient, 65, 68 and 77 do not want it, and what the program wrote is told to the sender; anything
else, a signal and a time-out put the mail off. So a program that is broken returns no mail.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ulak.delivery.final import LoopError, pieces
from ulak.delivery.handler import outcome
from ulak.delivery.handler.carrier import HandlerCarrier
from ulak.delivery.outcome import Outcome
from ulak.programs.running import Ended, run
from ulak.queue.item import Message
from ulak.rosters.roster import RosterError

_REFUSED = frozenset({os.EX_DATAERR, os.EX_NOHOST, os.EX_NOPERM})
_MOST = 16_384  # octets of output that are kept

Placed = Callable[[str], Awaitable[tuple[str, str]]]
"""Gives the mailbox of a recipient and the detail. Raises RosterError."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that takes mail. `timeout` is in seconds; `at_once` may run side by side."""

    argv: tuple[str, ...]
    timeout: float = 60.0
    at_once: int = 4


class PipeCarrier(HandlerCarrier[Program]):
    """Runs the programs that are known by the keys of their targets."""

    def __init__(self, programs: Mapping[str, Program], placed: Placed) -> None:
        super().__init__(programs)
        self._placed = placed

    async def _carry(
        self, message: Message, recipient: str, handler: Program, turns: asyncio.Semaphore
    ) -> Outcome:
        name = shlex.join(handler.argv)
        try:
            mailbox, detail = await self._placed(recipient)
            data = await asyncio.to_thread(pieces, message, recipient, lf=True)
            async with turns:
                ended = await run(
                    handler.argv,
                    data=data,
                    environment=environment(message, recipient, mailbox, detail),
                    timeout=handler.timeout,
                    most=_MOST,
                )
        except LoopError:
            return outcome.looped(recipient)
        except RosterError as error:
            return outcome.failed(recipient, name, f"incident {error.incident}")
        except OSError as error:
            return outcome.failed(recipient, name, (error.strerror or str(error)).lower())
        return _judged(recipient, name, ended, handler.timeout)


def environment(message: Message, recipient: str, mailbox: str, detail: str) -> dict[str, str]:
    """Give what the program is told beside the message."""
    local, _, domain = recipient.rpartition("@")
    envelope = message.envelope
    return {
        "SENDER": envelope.sender,
        "RECIPIENT": recipient,
        "LOCAL": local,
        "DOMAIN": domain,
        "USER": mailbox.rpartition("@")[0],
        "DETAIL": detail,
        "ORIGINAL_RECIPIENT": envelope.asked_for(recipient).through or recipient,
        "MESSAGE_ID": message.id,
        "QUARANTINE": envelope.wishes.quarantine,
    }


def _judged(recipient: str, handler: str, ended: Ended, timeout: float) -> Outcome:
    said = outcome.shown(ended.output + b" " + ended.errors)
    if ended.late:
        return outcome.failed(recipient, handler, f"not done within {timeout:g} seconds", said)
    if ended.code is None:
        return outcome.failed(recipient, handler, f"ended by signal {ended.signal}", said)
    how = f"exit code {ended.code}"
    if ended.code == os.EX_OK:
        return outcome.delivered(recipient, handler, said)
    if ended.code == os.EX_NOUSER:
        return outcome.nobody(recipient, handler, said)
    if ended.code in _REFUSED:
        return outcome.refused(recipient, handler, said, how)
    return outcome.failed(recipient, handler, how, said)
