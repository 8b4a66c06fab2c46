"""What operators do, as the journal has it: what, by whom, and from where."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.journal.entry import Entry, Kind

_LONGEST = 200  # characters of a name


@dataclass(frozen=True, slots=True)
class By:
    """Who does something: the name of a user of the system, or of an account.

    `via` is `command` for the command line, `console` for the pages, `api` for a program;
    `ip` is the address of the browser or the program, `""` where there is none.
    """

    who: str = ""
    via: str = ""
    ip: str = ""

    def facts(self) -> dict[str, str]:
        """Give what an entry says of it: `who`, `from` and `ip`, as far as it is known."""
        told = {"who": self.who[:_LONGEST], "from": self.via, "ip": self.ip}
        return {name: value for name, value in told.items() if value}


NOBODY = By()  # it is not known who


def operated(time: float, verb: str, by: By, message: str = "", **facts: str) -> Entry:
    """Make the entry of a deed: a verb of the queue, or one such as `login` and `settings`."""
    return Entry(time, Kind.OPERATED, message=message, facts={"verb": verb, **facts, **by.facts()})
