"""DKIM: whether a domain vouches for a message, and vouching for one (RFC 6376).

`verify` looks at the signatures of a whole message, `Reading` at those of one that comes in
pieces; `Signer` makes them.
"""

from __future__ import annotations

from ulak.checks.dkim.finding import Finding, Limits, Result
from ulak.checks.dkim.message import with_crlf
from ulak.checks.dkim.reading import Reading, verify
from ulak.checks.dkim.signing import Key, Signer, Signing

__all__ = [
    "Finding",
    "Key",
    "Limits",
    "Reading",
    "Result",
    "Signer",
    "Signing",
    "verify",
    "with_crlf",
]
