"""A large provider: two mail hosts for two domains, that share what they know of clients.

It has a day in three acts. Whoever is new is greylisted; then only so many messages are taken in a
time; and when half of what is `expected` has come, somebody complains, and the standing of the
client is gone for two hours, longer for one who goes on knocking. Nobody is told how to behave.

A provider lives faster than we do: `hour` is how many seconds one of its hours takes, and the times
that it names in its replies are ours. With `telling` it names them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ulak.lab.habits import Greylisting, Habit, Habits, Pace, Standing
from ulak.lab.mx import Act, Visit

DOMAINS = ("big.example", "brand.example")
HOSTS = (("mx1.big.example", "127.0.0.21"), ("mx2.big.example", "127.0.0.22"))

_GREYLISTED = 0.25  # hours
_WINDOW = 2.0
_BLOCKED = 2.0
_PATIENCE = 10.0
_ACTS: Mapping[type[Habit], str] = {
    Standing: "blocked",
    Pace: "limited",
    Greylisting: "greylisted",
}


class Provider(Habits):
    """What the hosts of a provider share. `acts` notes what has happened to a client, in order.

    `calls` counts connections, and `count` the messages that were taken.
    """

    def __init__(self, *, hour: float, expected: int, telling: bool = False) -> None:
        self.acts: list[str] = []
        self.calls = 0
        self.count = 0
        self._half = expected // 2
        self.greylisting = Greylisting(_GREYLISTED * hour)
        self.pace = Pace(max(expected // 6, 1), _WINDOW * hour, telling=telling)
        self.standing = Standing(_PATIENCE, _BLOCKED * hour, telling=telling)
        super().__init__((self.standing, self.greylisting, self.pace))

    def connect(self, visit: Visit) -> Act | None:
        """Count a call."""
        self.calls += 1
        return super().connect(visit)

    def spoke(self, habit: Habit) -> None:
        """Note an act when it begins."""
        act = _ACTS[type(habit)]
        if not self.acts or self.acts[-1] != act:
            self.acts.append(act)

    def taken(self, visit: Visit) -> None:
        """Count a message; when half of them have come, the complaint comes."""
        super().taken(visit)
        self.count += 1
        if self.count == self._half:
            self.standing.worsen(visit.source, 2 * _PATIENCE, visit.clock())
