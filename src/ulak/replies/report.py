"""What a delivery report says about each recipient: the name under which others know it."""

from ulak.replies.bounces import Failure, failures

__all__ = ["Failure", "failures"]
