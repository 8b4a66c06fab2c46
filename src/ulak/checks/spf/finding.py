"""What SPF found of a client and an identity, in the words of RFC 8601 §2.7.2."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ulak.checks.reason import Reason
from ulak.dns.records import Answer


class Result(StrEnum):
    """What `check_host()` returns (RFC 7208 §2.6)."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 -- a result, no password
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of asking whether `ip` may use `domain`.

    `identity` is `mailfrom`, or `helo` where the reverse-path is null; `domain` is in the form that
    DNS is asked for, or as it came where it is no domain name. `record` is the record that
    decided, `record_domain` where it stands: another domain than `domain` after a redirect.
    `mechanism` is the term of it that matched, as it is written. `lookups` and `void_lookups` are
    the terms that count (RFC 7208 §4.6.4). `explanation` is a stranger's text on one line of
    printable ASCII, and is only there with `fail`.
    """

    result: Result
    identity: str
    domain: str
    ip: str
    helo: str
    mail_from: str
    record: str = ""
    record_domain: str = ""
    mechanism: str = ""
    lookups: int = 0
    void_lookups: int = 0
    explanation: str = ""
    reasons: tuple[Reason, ...] = ()
    trace: tuple[Answer, ...] = ()
