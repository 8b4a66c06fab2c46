"""What is found of the chain of a message (RFC 8617 §4.4, §5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.reason import Reason
from ulak.checks.results.resinfo import Field
from ulak.dns.records import Answer


class Result(StrEnum):
    """The Chain Validation Status."""

    NONE = "none"  # no chain
    PASS = "pass"  # noqa: S105 -- the word of the RFC, no password
    FAIL = "fail"  # as good as no chain


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One set. `cv` is what its sealer found of the sets before; `domain` and `selector` are its.

    `results` are what its sealer says that it found of the message, None where nobody can read it.
    """

    instance: int
    cv: str
    domain: str
    selector: str
    results: Field | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it.

    `instance` is the highest of the sets, 0 without any. `sets` are in the order in which they
    were added; they are empty where the chain has no structure, and to be believed only with
    PASS. `oldest_pass` is the instance of the oldest set since which the message is as it was, 0
    if it is as the first saw it, None unless the chain passes. `temporary` is whether it failed
    for the trouble of DNS, which is final all the same (§5.2.1).
    """

    result: Result
    instance: int = 0
    sets: tuple[ArcSet, ...] = ()
    oldest_pass: int | None = None
    temporary: bool = False
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every seal holds, and the message is as the last sealer left it."""
        return self.result is Result.PASS
