"""Habits of mail servers, as large providers have them: greylisting, limits, a bad memory.

A habit is a model: it knows no socket and no clock but the one of the visit. The lab's servers
have habits (`Behaviour.habits`), and so have the servers of the simulated year. Replies are in
words of our own, with the codes that providers use (RFC 3463; the limits of RFC 5321 §4.5.3.1).

What a habit refuses may hurt the client's standing (`weight`): `Standing` adds that up, and turns
clients away that go on and on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from math import ceil, log2

from ulak.lab.mx.behaviour import Act, Visit

_FORGOTTEN = 10_000  # clients or triplets in a memory; the oldest goes first


class Habit:
    """What a server does at a stage in place of the usual; by itself nothing."""

    weight = 0.0
    """How much it hurts a client's standing to be refused for this."""

    def connect(self, visit: Visit) -> Act | None:
        """Greet a client, or turn it away."""
        del visit
        return None

    def mail(self, visit: Visit) -> Act | None:
        """Answer MAIL; `visit.sender` is who is named."""
        del visit
        return None

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Answer RCPT."""
        del visit, recipient
        return None

    def message(self, visit: Visit) -> Act | None:
        """Answer the end of a message for `visit.recipients`."""
        del visit
        return None

    def taken(self, visit: Visit) -> None:
        """Note that a message was taken."""

    def left(self, visit: Visit) -> None:
        """Note that a session is over."""

    def refused(self, visit: Visit, weight: float) -> None:
        """Note that a client was refused for some habit of the server."""


class Habits(Habit):
    """Several habits: the first one that has something to say is heard, and all hear of it."""

    def __init__(self, habits: Sequence[Habit]) -> None:
        self.habits = tuple(habits)

    def connect(self, visit: Visit) -> Act | None:
        """Ask one after the other."""
        return self._ask(visit, lambda habit: habit.connect(visit))

    def mail(self, visit: Visit) -> Act | None:
        """Ask one after the other."""
        return self._ask(visit, lambda habit: habit.mail(visit))

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Ask one after the other."""
        return self._ask(visit, lambda habit: habit.rcpt(visit, recipient))

    def message(self, visit: Visit) -> Act | None:
        """Ask one after the other."""
        return self._ask(visit, lambda habit: habit.message(visit))

    def taken(self, visit: Visit) -> None:
        """Tell all."""
        for habit in self.habits:
            habit.taken(visit)

    def left(self, visit: Visit) -> None:
        """Tell all."""
        for habit in self.habits:
            habit.left(visit)

    def spoke(self, habit: Habit) -> None:
        """Note which habit was heard."""

    def _ask(self, visit: Visit, stage: Callable[[Habit], Act | None]) -> Act | None:
        for habit in self.habits:
            act = stage(habit)
            if act is not None:
                self.spoke(habit)
                if habit.weight:
                    for each in self.habits:
                        each.refused(visit, habit.weight)
                return act
        return None


class Greylisting(Habit):
    """Puts off whom it does not know: a triplet of address, sender and recipient.

    It is known `delay` seconds after it was seen first, for `memory` seconds.
    """

    def __init__(self, delay: float, memory: float = 35 * 86400.0) -> None:
        self.delay = delay
        self._memory = memory
        self._seen: dict[tuple[str, str, str], tuple[float, float]] = {}  # first and last time

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Refuse who comes for the first time, or too soon after it."""
        now = visit.clock()
        triplet = (visit.source, visit.sender, recipient)
        first, last = self._seen.pop(triplet, (now, now))
        if now - last > self._memory:
            first = now
        if len(self._seen) >= _FORGOTTEN:
            del self._seen[next(iter(self._seen))]
        self._seen[triplet] = (first, now)
        left = first + self.delay - now
        if left <= 0:
            return None
        return Act(f"451 4.7.1 Greylisted, please try again in {max(1, round(left))} seconds")


class Pace(Habit):
    """Takes so many messages from one address in a window of time; one begins with a recipient.

    With `telling` the reply says when to come again, else only that it is too fast.
    """

    weight = 1.0

    def __init__(self, messages: int, window: float, *, telling: bool = False) -> None:
        self.messages = messages
        self.window = window
        self._telling = telling
        self._times: dict[str, deque[float]] = {}

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Refuse another message of an address that has sent its share; else count it."""
        del recipient
        if visit.recipients:
            return None
        now = visit.clock()
        times = self._times.setdefault(visit.source, deque(maxlen=self.messages))
        lately = [time for time in times if time > now - self.window]
        if len(lately) < self.messages:
            times.append(now)
            return None
        left = max(1, round(lately[0] + self.window - now))
        if self._telling:
            return Act(f"450 4.7.1 Too many messages from {visit.source}; retry in {left} seconds")
        return Act(
            f"421 4.7.28 Too much mail comes from {visit.source} at once, it is rate limited now",
            close=True,
        )


class Doors(Habit):
    """Lets so many sessions of one address be open at a time."""

    weight = 1.0

    def __init__(self, most: int) -> None:
        self.most = most
        self._open: dict[str, set[Visit]] = {}

    def connect(self, visit: Visit) -> Act | None:
        """Turn away who has enough of them."""
        inside = self._open.setdefault(visit.source, set())
        inside.add(visit)
        if len(inside) <= self.most:
            return None
        return Act("421 4.7.0 Too many concurrent connections from your address", close=True)

    def left(self, visit: Visit) -> None:
        """Count a session out."""
        inside = self._open.get(visit.source, set())
        inside.discard(visit)  # whom another habit turned away was never inside
        if not inside:
            self._open.pop(visit.source, None)


class Bounds(Habit):
    """Takes so many messages in one session, and so many recipients in one message."""

    def __init__(self, messages: int = 0, recipients: int = 0) -> None:
        self._messages = messages
        self._recipients = recipients

    def mail(self, visit: Visit) -> Act | None:
        """End a session that has had its messages."""
        if not self._messages or visit.messages < self._messages:
            return None
        return Act("421 4.7.0 Too many messages in this session, open another", close=True)

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Put off the recipients that are too many."""
        del recipient
        if not self._recipients or len(visit.recipients) < self._recipients:
            return None
        return Act("452 4.5.3 Too many recipients")


class Standing(Habit):
    """Remembers how clients behave, forgets slowly, and turns away those of bad standing.

    Whoever goes on while he is refused loses standing, the weight of each refusal. Over `patience`
    nothing is taken for as long as the standing needs to come back under it; it halves every
    `half_life` seconds. That is told as a matter of reputation, for the time being; with `telling`
    for how long, if nothing more happens.
    """

    weight = 0.25

    def __init__(self, patience: float, half_life: float, *, telling: bool = False) -> None:
        self._telling = telling
        self.patience = patience
        self.half_life = half_life
        self.blocks = 0  # how often somebody was turned away
        self._marks: dict[str, tuple[float, float]] = {}

    def mark(self, source: str, now: float) -> float:
        """Tell how bad the standing of an address is."""
        mark, since = self._marks.get(source, (0.0, now))
        return float(mark * 0.5 ** ((now - since) / self.half_life))

    def worsen(self, source: str, weight: float, now: float) -> None:
        """Hold something against an address; nobody sinks without end."""
        mark = min(self.mark(source, now) + weight, 4 * self.patience)
        self._marks[source] = (mark, now)

    def connect(self, visit: Visit) -> Act | None:
        """Turn away who has no standing."""
        return self._turned_away(visit)

    def mail(self, visit: Visit) -> Act | None:
        """Turn away who has lost it meanwhile."""
        return self._turned_away(visit)

    def _turned_away(self, visit: Visit) -> Act | None:
        mark = self.mark(visit.source, visit.clock())
        if mark <= self.patience:
            return None
        self.blocks += 1
        until = "for now"
        if self._telling:
            left = self.half_life * log2(mark / self.patience)
            until = f"now, retry in {ceil(left)} seconds"
        return Act(
            f"421 4.7.0 Poor reputation of {visit.source}: nothing is taken from it {until}",
            close=True,
        )

    def refused(self, visit: Visit, weight: float) -> None:
        """Hold a refusal against the client."""
        self.worsen(visit.source, weight, visit.clock())


class Unknown(Habit):
    """Knows who has no mailbox here: whoever asks for many of them is guessing."""

    weight = 3.0

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)  # local parts

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Refuse who does not exist."""
        del visit
        if recipient.partition("@")[0] not in self._names:
            return None
        return Act("550 5.1.1 There is no such user here")


class Full(Habit):
    """Has mailboxes that are full for a time: local parts, and the spans in which they are."""

    def __init__(self, spans: Mapping[str, tuple[float, float]]) -> None:
        self._spans = spans

    def rcpt(self, visit: Visit, recipient: str) -> Act | None:
        """Put off who has no room."""
        since, until = self._spans.get(recipient.partition("@")[0], (0.0, 0.0))
        if not since <= visit.clock() < until:
            return None
        return Act("452 4.2.2 The mailbox is full")


class Closed(Habit):
    """Is there, but takes nothing in some spans of time, and says so or says nothing."""

    def __init__(self, spans: Sequence[tuple[float, float]], *, silent: bool = False) -> None:
        self._spans = spans
        self._act = (
            Act()
            if silent
            else Act("421 4.3.2 Closed for maintenance, come back later", close=True)
        )

    def connect(self, visit: Visit) -> Act | None:
        """Turn everybody away while it lasts."""
        now = visit.clock()
        return self._act if any(since <= now < until for since, until in self._spans) else None


class Choosy(Habit):
    """Refuses a message after it was sent, by lot: as spam for good, or for the moment."""

    def __init__(self, chance: Callable[[], float], spam: float, trouble: float) -> None:
        self._chance = chance
        self._spam = spam
        self._trouble = trouble

    def message(self, visit: Visit) -> Act | None:
        """Draw a lot."""
        del visit
        lot = self._chance()
        if lot < self._spam:
            return Act("554 5.7.1 This message looks like spam")
        if lot < self._spam + self._trouble:
            return Act("451 4.3.0 Something is wrong here, try again later")
        return None
