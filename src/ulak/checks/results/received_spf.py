"""Received-SPF: the older way to tell what SPF found (RFC 7208 §9.1)."""

from __future__ import annotations

import re
from typing import Protocol

from ulak.checks.results.told import Spf
from ulak.checks.results.write import clean, comment_words, folded, mailbox, quoted

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


class Judged(Spf, Protocol):
    """A finding of `checks.spf` with what this field has beyond Authentication-Results."""

    @property
    def ip(self) -> str:
        """The client's address."""

    @property
    def mechanism(self) -> str:
        """The mechanism that matched."""


def write_received_spf(finding: Judged, receiver: str, *, utf8: bool = False) -> bytes:
    """Write the field with the CRLF at its end; `receiver` is the host that made the check."""
    last = finding.reasons[-1].text() if finding.reasons else ""
    comment = comment_words(f"{receiver}: {last}" if last else receiver, utf8=utf8)
    trouble = finding.result in ("temperror", "permerror")
    pairs = (
        ("receiver", receiver),
        ("client-ip", finding.ip),
        ("envelope-from", mailbox(finding.mail_from, utf8=utf8)),
        ("helo", mailbox(finding.helo, utf8=utf8)),
        ("identity", finding.identity),
        ("mechanism", finding.mechanism or ("" if trouble else "default")),
        ("problem", last if trouble else ""),
    )
    written = [f"{name}={_value(text, utf8=utf8)}" for name, text in pairs if text]
    written = [pair + ";" for pair in written[:-1]] + written[-1:]
    words = [finding.result, *comment, *written]
    line = "Received-SPF:" + folded([words], len("Received-SPF:"))
    return line.encode("utf-8", "replace") + b"\r\n"


def _value(text: str, *, utf8: bool) -> str:
    text = clean(text, utf8=utf8)
    return text if _DOT_ATOM.fullmatch(text) else quoted(text)
