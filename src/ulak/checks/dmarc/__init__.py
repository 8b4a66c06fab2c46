"""DMARC (RFC 9989): whose mail it says it is, and what that domain's owner asks for.

`check` judges one author's domain, `check_header` a message with as many authors as it names.
"""

from ulak.checks.dmarc.alignment import Identifier
from ulak.checks.dmarc.author import Authors, authors
from ulak.checks.dmarc.finding import Finding, Result, check, check_header
from ulak.checks.dmarc.record import Policy, Record
from ulak.checks.dmarc.uris import ReportURI
from ulak.checks.dmarc.walk import Walk, Walker

__all__ = [
    "Authors",
    "Finding",
    "Identifier",
    "Policy",
    "Record",
    "ReportURI",
    "Result",
    "Walk",
    "Walker",
    "authors",
    "check",
    "check_header",
]
