"""What is found of the chain of a message (RFC 8617 §4.4, §5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.reason import Reason
from ulak.checks.results.reading import read_text
from ulak.checks.results.resinfo import Field
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer


class Result(StrEnum):
    """The Chain Validation Status."""

    NONE = "none"  # no chain
    PASS = "pass"  # noqa: S105 -- the word of the RFC, no password
    FAIL = "fail"  # as good as no chain


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One set. `cv` is what its sealer found of the sets before; `domain` and `selector` are its.

    `payload` is what its sealer says that it found of the message, as it is written.
    """

    instance: int
    cv: str
    domain: str
    selector: str
    payload: str = ""

    @property
    def results(self) -> Field | None:
        """What its sealer found of the message, None where nobody can read it."""
        return read_text(self.payload, self.instance)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it.

    `instance` is the highest of the sets, 0 without any. `chain` are the sets in the order in
    which they were added; it is empty where there is no structure, and to be believed only with
    PASS. `oldest_pass` is the instance of the oldest set since which the message is as it was, 0
    if it is as the first saw it, None unless the chain passes. `unsure` is whether it failed for
    the trouble of DNS: another try may find something else, though for a seal that is final
    (§5.2.1).
    """

    result: Result
    instance: int = 0
    chain: tuple[ArcSet, ...] = ()
    oldest_pass: int | None = None
    unsure: bool = False
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every seal holds, and the message is as the last sealer left it."""
        return self.result is Result.PASS

    @property
    def sets(self) -> int:
        """How many servers have sealed the message, as far as that can be read."""
        return len(self.chain)

    @property
    def sealers(self) -> tuple[str, ...]:
        """The domains that sealed it, the first one first."""
        return tuple(one.domain for one in self.chain)

    def vouched(self, from_domain: str) -> bool:
        """Whether the chain holds, and its first sealer says that DMARC passed for this author.

        That is what a chain can be believed for (§7.2.1), by who trusts all its sealers: that a
        message was sealed says nothing about who wrote it.
        """
        author = to_ascii(from_domain)
        if not self.passed or not author:
            return False
        said = self.chain[0].results
        return said is not None and any(
            one.method == "dmarc"
            and one.result == "pass"
            and to_ascii(one.value("header", "from")) == author
            for one in said.resinfos
        )
