"""What is found of one DKIM signature (RFC 6376 §3.9, RFC 8601 §2.7.1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.reason import Reason
from ulak.dns.records import Answer


class Result(StrEnum):
    """The words of RFC 8601 §2.7.1."""

    NONE = "none"  # nothing is signed
    PASS = "pass"  # noqa: S105 -- RFC 8601's word, no password
    FAIL = "fail"  # what was signed is not what came
    POLICY = "policy"  # it fits, or may fit, but is not accepted: a weak key, an expired signature
    NEUTRAL = "neutral"  # it cannot be read, or was not looked at
    TEMPERROR = "temperror"  # DNS did not answer
    PERMERROR = "permerror"  # it can never be verified: no key, a revoked one, From not signed


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work strangers may cause, and how strict clocks are.

    `signatures` of a message are looked at, from the top; `field` and `record` are the longest
    DKIM-Signature and key record in octets; `keys` are tried where one name has several;
    `shortest_key` and `longest_key` are bits of an RSA modulus (RFC 8301 §3.2 asks for 1024 to
    4096), `exponent` of its exponent; `skew` is how many seconds a clock may be wrong. Where a
    signature does not fit, `trials` of a message may be made to tell which field was changed, and
    bodies of up to `compared` octets are tried in every way to tell what was.
    """

    signatures: int = 16
    field: int = 32 * 1024
    record: int = 16 * 1024
    keys: int = 4
    shortest_key: int = 1024
    longest_key: int = 8192
    exponent: int = 64
    skew: int = 300
    trials: int = 64
    compared: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one signature.

    `domain` (d=), `selector` (s=) and `identity` (i=) are names as DNS is asked for them; those
    that could not be read are empty. `algorithm` is a=, `canonicalization` c= with both its
    parts, `key_bits` 0 without a key, `testing`
    that the key record says t=y, `length` l=, `uncovered` how many octets of the body lie beyond
    it. `header` are the names in h=, in lower case. `signature` is as much of b= as tells it from
    the others of the message (RFC 6008 §3), `reasons` how the result came about, `trace` what DNS
    said.
    """

    result: Result
    domain: str = ""
    selector: str = ""
    identity: str = ""
    algorithm: str = ""
    key_bits: int = 0
    testing: bool = False
    length: int | None = None
    uncovered: int = 0
    header: tuple[str, ...] = ()
    signature: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()
    canonicalization: str = ""

    @property
    def passed(self) -> bool:
        """Whether the domain vouches for this message; one that only tests DKIM counts, too."""
        return self.result is Result.PASS
