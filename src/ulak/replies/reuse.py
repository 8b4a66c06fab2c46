"""Enhanced codes that providers use for something else than the registry says.

A code means what the one who sends it means by it, so a page of a code has to name those who mean
something else. The rows are facts that were seen on the wire or in the pages of the providers, the
latest in 2026; what each means is told in `texts/<language>.reuse.toml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENHANCED = re.compile(r"[245]\.([0-9]{1,3})\.([0-9]{1,3})(?:-([0-9]{1,3}))?")


@dataclass(frozen=True, slots=True)
class Reuse:
    """One meaning of a provider's: `replies` are basic and enhanced code, as `550 5.7.27`.

    A reply may have a range of details, as `550 5.7.606-649`. `causes` are those of the catalog
    that it amounts to, where there is one.
    """

    name: str
    provider: str
    replies: tuple[str, ...]
    cause: str = ""

    def has(self, enhanced: str) -> bool:
        """Whether the row is about an enhanced code, with its class (`5.7.27`) or `X`."""
        asked = re.fullmatch(r"([245X])\.([0-9]+)\.([0-9]+)", enhanced)
        if asked is None:
            return False
        for reply in self.replies:
            found = _ENHANCED.search(reply)
            if found is None or found[1] != asked[2]:
                continue
            first, last = int(found[2]), int(found[3] or found[2])
            if first <= int(asked[3]) <= last:
                return True
        return False


_ROWS = (
    Reuse("google-spf-suspicious", "Gmail", ("550 5.7.24", "451 4.7.24"), "spf-fail"),
    Reuse("google-unauthenticated", "Gmail", ("550 5.7.26",), "unauthenticated"),
    Reuse("google-spf", "Gmail", ("550 5.7.27", "421 4.7.27"), "spf-fail"),
    Reuse("google-rate", "Gmail", ("550 5.7.28", "421 4.7.28"), "mail-flood"),
    Reuse("google-tls", "Gmail", ("550 5.7.29", "421 4.7.29"), "encryption-required"),
    Reuse("google-dkim", "Gmail", ("550 5.7.30", "421 4.7.30"), "dkim-fail"),
    Reuse("google-alignment", "Gmail", ("421 4.7.32", "421 5.7.32"), "unauthenticated"),
    Reuse("google-no-dmarc", "Gmail", ("550 5.7.40", "421 4.7.40"), "unauthenticated"),
    Reuse("google-auth-type", "Gmail", ("504 5.7.40",)),
    Reuse("google-login", "Gmail", ("535 5.7.80", "534 5.7.90"), "authentication-failed"),
    Reuse("microsoft-not-found", "Microsoft 365", ("550 5.1.10",), "no-such-mailbox"),
    Reuse("microsoft-edge", "Microsoft 365", ("550 5.4.1",), "no-such-mailbox"),
    Reuse("microsoft-bulk", "Outlook.com", ("550 5.7.515",), "unauthenticated"),
    Reuse("microsoft-banned", "Microsoft 365", ("550 5.7.606-649",), "listed-by-dnsbl"),
    Reuse("microsoft-tenant", "Microsoft 365", ("550 5.7.64",), "relay-denied"),
    Reuse("yahoo-policy", "Yahoo", ("554 5.7.9",), "policy-refused"),
    Reuse("yahoo-deferral", "Yahoo", ("421 4.7.0",), "policy-deferred"),
    Reuse("yahoo-listed", "Yahoo", ("553 5.7.1",), "listed-by-dnsbl"),
    Reuse("godaddy-hourly", "GoDaddy", ("550 5.1.1",)),
    Reuse("blocklists", "Postfix, Exim", ("554 5.7.1", "550 5.7.1"), "listed-by-dnsbl"),
)
REUSE: dict[str, Reuse] = {row.name: row for row in _ROWS}


def of_enhanced(enhanced: str) -> tuple[Reuse, ...]:
    """Give the rows about an enhanced code, whatever its class."""
    return tuple(row for row in _ROWS if row.has(f"X{enhanced[1:]}"))
