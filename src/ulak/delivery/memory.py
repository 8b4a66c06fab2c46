"""What is leased takes memory: how much there may be, and what of it each line may hold.

A line holds no more than half of what is left, so with n lines that are full each has about one
part in n + 2, and what is left is two of them: the more that is slow the less each has, and
who comes next finds room (dynamic thresholds, as switches share their buffers).
"""

from __future__ import annotations

from ulak.delivery.line import Round

_SHARE = 2  # a line holds no more than one part in so many of what is left
_KEPT = 4  # one part in so many is left to mail that comes in now: a backlog must not delay it


_HARDLY = 64  # one part in so many of it is not worth a look at the store
_UNKNOWN = 20  # messages in all of it, before it is known how large they are
_RECENT = 16  # messages after which a large one is hardly thought of any more


class Memory:
    """The leases that are worked on; `messages` and `octets` bound them."""

    def __init__(self, messages: int, octets: int) -> None:
        self._messages = messages
        self._most_octets = octets
        self._size = octets / _UNKNOWN  # of the largest messages lately
        self._enough = 0.0  # leases at which it pays to look for more
        self.octets = 0
        self.rounds: set[Round] = set()

    def hold(self, around: Round) -> None:
        """Count a lease in."""
        self.rounds.add(around)
        self.octets += around.octets
        size = around.octets
        self._size = max(size, self._size + (size - self._size) / _RECENT)

    def let_go(self, around: Round) -> None:
        """Count a lease out."""
        self.rounds.discard(around)
        self.octets -= around.octets

    def room(self) -> int:
        """How many more messages may be leased."""
        if self.octets >= self._most_octets:
            return 0
        return max(self._messages - len(self.rounds), 0)

    def room_for_stored(self) -> int:
        """How many more may be leased that have waited in the store; 0 where that is hardly any."""
        fitting = self._fitting(self._most_octets * (_KEPT - 1) / _KEPT)
        room = min(self._messages - self._messages // _KEPT - len(self.rounds), fitting)
        return room if room > (len(self.rounds) + room) // _HARDLY else 0

    def _fitting(self, octets: float) -> int:
        """How many more go into so many octets, as large as those that came lately."""
        return int((octets - self.octets) / max(self._size, 1))

    def share(self, room: int) -> int:
        """How many jobs one line may hold, waiting and under way, while there is so much room."""
        return max(min(room, self._fitting(self._most_octets)), 0) // _SHARE

    def ample(self) -> bool:
        """Whether so little is here that no line can hold more than its share."""
        return len(self.rounds) * 3 <= self._messages and self.octets * 3 <= self._most_octets

    def octets_share(self, *, stored: bool) -> float:
        """How many octets one line may hold, if mail that was stored is to be leased for it."""
        most = self._most_octets * (_KEPT - 1) / _KEPT if stored else self._most_octets
        return max(most - self.octets, 0) / _SHARE

    def note_full(self, slow: int) -> None:
        """Note that there is more in the store than there is room for.

        It pays to look for it when half of what is here has ended; but not of those `slow` that
        are here for lines that hold all they may, else the others would wait for them.
        """
        leases = len(self.rounds)
        self._enough = leases - max((leases - slow) / 2, 1)

    def spacious(self) -> bool:
        """Whether so much has ended that it pays to look for more."""
        leases = len(self.rounds)
        if leases <= self._enough:
            return self.octets < self._most_octets
        return leases * 2 <= self._messages and self.octets * 2 <= self._most_octets
