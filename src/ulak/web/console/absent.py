"""Who of the servers that share a queue has not answered, in sentences for a page."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.journal.trace import JournalError

_NAMED = 10  # one by one


@dataclass(frozen=True, slots=True)
class Missing:
    """What is missing in what is told of all servers that share a queue.

    `silent` are those that did not answer when they were last asked. `away`: none could be asked.
    """

    silent: tuple[str, ...] = ()
    away: bool = False

    def __bool__(self) -> bool:
        """Whether anything is."""
        return bool(self.silent) or self.away


def absent(missing: Missing, language: str) -> list[str]:
    """Say whose part is missing; nothing where all of it is there."""
    troubles = [JournalError("silent", member=member) for member in missing.silent[:_NAMED]]
    if len(missing.silent) > _NAMED:
        troubles.append(JournalError("silent", member="…"))
    if missing.away:
        troubles.append(JournalError("database-away"))
    return [trouble.sentence(language) for trouble in troubles]
