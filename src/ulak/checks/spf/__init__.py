"""SPF: whether a client may send for a domain (RFC 7208).

`check` evaluates, and its finding tells every step. For those who publish: `parse`
reads a record without evaluating it, `review` says what is dangerous in it, `survey` follows
all that it includes.
"""

from ulak.checks.spf.checking import check
from ulak.checks.spf.finding import Finding, Result
from ulak.checks.spf.record import Directive, Mistake, Modifier, Record, parse, select
from ulak.checks.spf.review import review
from ulak.checks.spf.survey import Survey, survey

__all__ = [
    "Directive",
    "Finding",
    "Mistake",
    "Modifier",
    "Record",
    "Result",
    "Survey",
    "check",
    "parse",
    "review",
    "select",
    "survey",
]
