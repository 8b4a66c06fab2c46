"""What is to be done about the recipients of an attempt, and what their sender is told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ulak.bounce.notice import Action, Fate
from ulak.queue.item import Again, Done, Settlement, Still


@dataclass(slots=True)
class Settled:
    """What is to be done about the recipients of one attempt, and what their sender is told."""

    settlements: list[Settlement] = field(default_factory=list)
    fates: dict[Action, list[Fate]] = field(default_factory=dict)

    def tell(self, action: Action, fate: Fate) -> None:
        """Have something told."""
        self.fates.setdefault(action, []).append(fate)

    def part(self, actions: Collection[Action]) -> Settled:
        """Take out what is told by these actions, and the settlements of whom it is told."""
        fates = {action: self.fates.pop(action) for action in actions if action in self.fates}
        names = {fate.recipient for each in fates.values() for fate in each}
        taken = [each for each in self.settlements if who(each) in names]
        self.settlements = [each for each in self.settlements if who(each) not in names]
        return Settled(taken, fates)

    def join(self, other: Settled) -> None:
        """Take in what another has."""
        self.settlements += other.settlements
        for action, fates in other.fates.items():
            self.fates.setdefault(action, []).extend(fates)

    def mark_warned(self) -> None:
        """Mark the recipients whose delay the sender is told now."""
        told = {fate.recipient for fate in self.fates.get(Action.DELAYED, ())}
        self.settlements = [
            Again(replace(each.pending, warned=True))
            if isinstance(each, Again) and each.pending.recipient in told
            else each
            for each in self.settlements
        ]


def who(settlement: Settlement) -> str:
    """Name the recipient of a settlement, `""` where it is for all others."""
    match settlement:
        case Still():
            return ""
        case Done(recipient):
            return recipient
        case _:
            return settlement.pending.recipient
