"""Any mail as a bounce: what it returns is the same whichever line ends it has, and is evidence."""

from __future__ import annotations

from ulak.diagnose.reply import Given, evidence, returned


def one(data: bytes) -> None:
    mail = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = returned(mail)
    assert returned(mail.replace(b"\n", b"\r\n")) == found
    assert returned(mail.replace(b"\n", b"\r")) == found
    assert not found.message or found.message.startswith(found.header.removesuffix(b"\r\n"))
    known = evidence({}, Given(), found, now=1_790_000_000.0)
    assert known.header == found.header
    assert len(known.signers) <= 10
    for text in (known.ip, known.helo, known.from_domain, found.reporting, found.remote):
        assert "\n" not in text
        assert "\r" not in text
