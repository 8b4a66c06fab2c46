"""Reports of single messages that failed DMARC (RFC 9991), for who has turned them on.

RFC 9991 is known here from the text of its last draft (draft-ietf-dmarc-failure-reporting-24), and
RFC 5965, RFC 6590 and RFC 6591 from memory.
"""

from ulak.reports.failure.choosing import Chooser
from ulak.reports.failure.letter import Failure, write
from ulak.reports.failure.posting import FailurePosting

__all__ = ["Chooser", "Failure", "FailurePosting", "write"]
