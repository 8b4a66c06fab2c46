"""Any mail as a bounce: read the same whichever line ends it has, and never more than it says."""

from __future__ import annotations

from ulak.replies.bounces import bounce

_ACTIONS = {"failed", "delayed", "delivered", "relayed", "expanded"}


def one(data: bytes) -> None:
    mail = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = bounce(mail)
    assert bounce(mail.replace(b"\n", b"\r\n")) == found
    assert bounce(mail.replace(b"\n", b"\r")) == found
    for failure in found.failures:
        assert failure.action in _ACTIONS
        assert "\n" not in failure.recipient
        assert "\r" not in failure.recipient
    assert "\n" not in found.returned.message_id + found.returned.subject
