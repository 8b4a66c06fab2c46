"""How many attempts at a time: a window that learns.

It begins small, and grows only where it is used up:

    begin:    size = first (3), quick = True
    success:  where as many were under way as the window allows
                  quick:  size += 1                  (doubles with every windowful)
                  else:   size += 1 / size           (one more with every windowful)
              but not where it took much longer than it can: then size -= size / 4
    refusal:  ceiling stays; size = size / 2, not below 1; quick = False
    silence:  the same; and who has said nothing for as long as `patience`, while attempts are
              under way, is given no further ones

As in TCP, all that was begun before the last shrinking tells of the same trouble, and shrinks
nothing again. "Much longer" is more than four times the best that was ever seen there, and more
than a second over it: a machine that is busy itself is no reason to slow down.
"""

from __future__ import annotations

from dataclasses import dataclass

_SLOW = (4.0, 1.0)  # times the best, and seconds over it
_FORGET = 0.01  # by how much of itself the best rises with each attempt: servers change
PATIENCE = 30.0  # seconds without a word


@dataclass(frozen=True, slots=True)
class Learning:
    """Where windows begin and end."""

    first: int = 3
    most: int = 20


class Window:
    """The window to one site from one source. All times are seconds of one clock."""

    __slots__ = ("active", "best", "ceiling", "heard", "patience", "quick", "shrunk", "size")

    def __init__(self, first: int, ceiling: int, patience: float = PATIENCE) -> None:
        self.patience = patience
        self.ceiling = float(ceiling)
        self.size = float(max(min(first, ceiling), 1))
        self.quick = True
        self.active = 0
        self.best = 0.0  # seconds that an attempt takes; 0.0 where none is known
        self.shrunk = 0.0  # when it was made smaller last
        self.heard = 0.0  # when an attempt last ended well, or the first began

    def full(self, now: float) -> bool:
        """Whether as many attempts are under way as may be."""
        active = self.active
        if active >= int(self.size):
            return True
        return bool(active) and now - self.heard > self.patience

    def begin(self, now: float) -> None:
        """Count an attempt in."""
        if not self.active:
            self.heard = now
        self.active += 1

    def end(self) -> None:
        """Count an attempt out."""
        self.active -= 1

    def well(self, now: float, took: float) -> None:
        """Learn from an attempt that went well and is still counted in."""
        self.heard = now
        best = self.best
        if not best or took < best:
            self.best = best = took
        else:
            self.best = best + (took - best) * _FORGET
        if took > best * _SLOW[0] and took > best + _SLOW[1]:
            self.shrink(now, now - took, 0.75)
        elif self.size < self.ceiling and self.active >= int(self.size):
            grown = self.size + (1.0 if self.quick else 1.0 / self.size)
            self.size = min(grown, self.ceiling)

    def shrink(self, now: float, begun: float, to: float = 0.5) -> bool:
        """Make it smaller, for an attempt that began then; whether that tells anything new."""
        if begun < self.shrunk:
            return False
        self.shrunk = now
        self.quick = False
        self.size = max(self.size * to, 1.0)
        return True

    def limit(self, ceiling: int) -> None:
        """Set what it never grows beyond."""
        self.ceiling = float(ceiling)
        self.size = min(self.size, self.ceiling)
