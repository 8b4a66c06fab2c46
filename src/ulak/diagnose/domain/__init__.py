"""`ulak check domain`: what a domain has published about its mail, and what is wrong with it.

One module looks at one subject (`mx.look`, `spf.look` …) and can be asked alone; `diagnose` asks
all of them.
"""

from ulak.diagnose.domain import (
    bimi,
    dane,
    dkim,
    dmarc,
    lists,
    mta_sts,
    mx,
    spf,
    starttls,
    tls_rpt,
    zone,
)
from ulak.diagnose.domain.found import Found
from ulak.diagnose.domain.whole import Beyond, NoDomainError, diagnose

__all__ = [
    "Beyond",
    "Found",
    "NoDomainError",
    "bimi",
    "dane",
    "diagnose",
    "dkim",
    "dmarc",
    "lists",
    "mta_sts",
    "mx",
    "spf",
    "starttls",
    "tls_rpt",
    "zone",
]
