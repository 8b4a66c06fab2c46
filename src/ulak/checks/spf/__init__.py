"""SPF: whether a client may send for a domain (RFC 7208).

`check` evaluates, and its finding tells every step. `parse` reads a record without evaluating it.
"""

from ulak.checks.spf.checking import check
from ulak.checks.spf.finding import Finding, Result
from ulak.checks.spf.record import Directive, Mistake, Modifier, Record, parse, select

__all__ = [
    "Directive",
    "Finding",
    "Mistake",
    "Modifier",
    "Record",
    "Result",
    "check",
    "parse",
    "select",
]
