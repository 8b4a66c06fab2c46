"""Bounces: mail that says that mail was not delivered, as RFC 3464 has it and as it comes."""

from ulak.replies.bounces.failure import Bounce, Failure, Returned
from ulak.replies.bounces.reading import bounce, failures

__all__ = ["Bounce", "Failure", "Returned", "bounce", "failures"]
