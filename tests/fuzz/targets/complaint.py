"""Any mail as a complaint: read the same whichever line ends it has, and no line in what it says.

Any local-part as a return address: known only where it was made.
"""

from __future__ import annotations

from ulak.mail.address import Address
from ulak.mail.returnpath import ReturnPath
from ulak.replies.bounces.complaint import complaint

_PATH = ReturnPath("bounces.example.org", (b"s" * 32,))


def one(data: bytes) -> None:
    mail = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = complaint(mail)
    assert complaint(mail.replace(b"\n", b"\r\n")) == found
    if found is not None:
        said = (found.feedback, found.sender, found.recipient, found.return_path, found.agent)
        assert found.feedback
        assert not any("\n" in one or "\r" in one for one in said)
    local = data[:100].decode("utf-8", "replace")
    assert _PATH.read(Address(local, "bounces.example.org")) is None
