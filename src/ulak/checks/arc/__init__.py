"""ARC: what servers on the way say that they found, sealed set by set (RFC 8617).

`verify` and `Reading` judge the chain of a message; `Sealer` adds a set. Sealing is off unless it
is asked for: RFC 8617 is an experiment that is being moved to historic, and what a chain is worth
depends on how far its sealers are trusted.
"""

from ulak.checks.arc.finding import ArcSet, Finding, Result
from ulak.checks.arc.reading import Reading, verify
from ulak.checks.arc.sealing import Sealer, Sealing

__all__ = ["ArcSet", "Finding", "Reading", "Result", "Sealer", "Sealing", "verify"]
