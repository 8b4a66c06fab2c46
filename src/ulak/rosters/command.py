"""A roster that is a program: it is run for each question, its exit code is the answer.

0: the address exists, and each line of output is an address to which its mail goes (none: it is a
mailbox). 67 (EX_NOUSER of sysexits.h): there is no such address. Anything else, and a program that
is not done in time, is trouble, so that a program that fails refuses no good mail.
"""

from __future__ import annotations

from collections.abc import Sequence

from ulak.programs.running import Ended, run
from ulak.rosters.roster import UNSURE, Answer, Known, RosterError, Unsure
from ulak.smtp.grammar import GrammarError, parse_mailbox

NO_SUCH_USER = 67
_MOST = 65_536  # octets of output
_SHOWN = 200  # octets of what it complained


class CommandRoster:
    """Runs a program. The address is its last argument behind `--`, or a line of its input."""

    def __init__(self, argv: Sequence[str], *, by_input: bool, timeout: float) -> None:
        self._argv = tuple(argv)
        self._by_input = by_input
        self._timeout = timeout

    def glance(self, address: str) -> Answer | Unsure:
        """Know nothing without asking."""
        del address
        return UNSURE

    async def ask(self, address: str) -> Answer:
        """Run the program. Raises RosterError and OSError."""
        local, _, domain = address.rpartition("@")
        ended = await run(
            self._argv if self._by_input else (*self._argv, "--", address),
            data=iter([f"{address}\n".encode()] if self._by_input else []),
            environment={"ADDRESS": address, "LOCAL": local, "DOMAIN": domain},
            timeout=self._timeout,
            most=_MOST,
        )
        if ended.late:
            message = f"the program was not done within {self._timeout:g} seconds"
            raise RosterError(message)
        if ended.code == NO_SUCH_USER:
            return None
        if ended.code != 0:
            raise RosterError(_ending(ended))
        if ended.cut:
            message = f"the program wrote more than {_MOST} octets"
            raise RosterError(message)
        return Known(tuple(_members(ended.output)))

    async def close(self) -> None:
        """Have nothing open."""


def _members(output: bytes) -> list[str]:
    try:
        lines = [line.strip() for line in output.decode("utf-8").split("\n")]
        return [str(parse_mailbox(line)) for line in lines if line]
    except (UnicodeDecodeError, GrammarError) as error:
        message = "the program wrote what is no address"
        raise RosterError(message) from error


def _ending(ended: Ended) -> str:
    how = f"signal {ended.signal}" if ended.code is None else f"exit code {ended.code}"
    said = ended.errors[:_SHOWN].decode("utf-8", "replace").strip()
    said = "".join(c if c.isprintable() else " " for c in said)
    return f"the program ended with {how}" + (f": {said}" if said else "")
