"""What came of handing a message to a handler, as an outcome."""

from __future__ import annotations

from ulak.delivery.outcome import Outcome, Result
from ulak.replies import catalog
from ulak.replies.reply import Reply

LONGEST = 1000  # characters of what a handler says that are kept


def delivered(recipient: str, handler: str, said: str) -> Outcome:
    """Give the outcome of mail that was taken."""
    reply = catalog.DELIVERED.reply(utf8=True, where=f"what takes the mail of {recipient}")
    return _outcome(recipient, Result.DELIVERED, reply, handler, said)


def nobody(recipient: str, handler: str, said: str) -> Outcome:
    """Give the outcome of mail for whom the handler does not know."""
    reply = catalog.NO_SUCH_MAILBOX.reply(utf8=True, address=recipient)
    return _outcome(recipient, Result.FAILED, reply, handler, said)


def refused(recipient: str, handler: str, said: str, otherwise: str) -> Outcome:
    """Give the outcome of mail that is not wanted; `otherwise` stands for words of its own."""
    reply = catalog.HANDLER_REFUSED.reply(utf8=True, address=recipient, said=said or otherwise)
    return _outcome(recipient, Result.FAILED, reply, handler, said)


def failed(recipient: str, handler: str, problem: str, said: str = "") -> Outcome:
    """Give the outcome of a handler that did not do its work."""
    reply = catalog.HANDLER_FAILED.reply(utf8=True, address=recipient, problem=problem)
    return _outcome(recipient, Result.DEFERRED, reply, handler, said)


def busy(recipient: str, handler: str, problem: str, wait: int, said: str = "") -> Outcome:
    """Give the outcome where the handler asks for time: `wait` seconds, 0 for any."""
    reply = catalog.HANDLER_BUSY.reply(utf8=True, address=recipient, problem=problem)
    extra = {"retry_after": str(wait)} if wait else {}
    return _outcome(recipient, Result.DEFERRED, reply, handler, said, extra)


def looped(recipient: str) -> Outcome:
    """Give the outcome of mail that was delivered to this recipient before."""
    reply = catalog.DELIVERED_BEFORE.reply(utf8=True, address=recipient)
    return _outcome(recipient, Result.FAILED, reply, "", "")


def _outcome(
    recipient: str,
    result: Result,
    reply: Reply,
    handler: str,
    said: str,
    extra: dict[str, str] | None = None,
) -> Outcome:
    told = {"handler": handler, "output": said}
    facts = {**reply.facts, **{name: fact for name, fact in told.items() if fact}, **(extra or {})}
    return Outcome(recipient, result, reply.cause, str(reply), facts=facts)


def shown(octets: bytes) -> str:
    """Give what a handler said on one line, with nothing in it that acts on a screen."""
    text = octets[: 4 * LONGEST].decode("utf-8", "replace")
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words[:LONGEST]
