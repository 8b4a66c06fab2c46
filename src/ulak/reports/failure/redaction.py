"""A header without what is nobody's business (RFC 6590; RFC 9991 §7.1).

What stands before an @ becomes a token, the same for the same name as long as the secret lasts, so
that the one who gets reports can tell senders apart and not who they are. Display names, subjects
and everything that is not known to be of use are left out; of the body there is nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from ulak.mail.message import fields, unfold

_KEPT = frozenset(
    {
        "received",
        "return-path",
        "dkim-signature",
        "authentication-results",
        "arc-authentication-results",
        "arc-seal",
        "arc-message-signature",
        "received-spf",
        "date",
        "message-id",
        "list-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
)
_MAILBOXES = frozenset({"from", "to", "cc", "sender", "reply-to", "resent-from", "resent-sender"})
# Begun only where a name begins, and never given back: a long one is read once.
_ATEXT = r"[\w.!#$%&'*+/=?^`{|}~-]"
_ADDRESS = re.compile(rf"(?<!{_ATEXT})({_ATEXT}++)@([\w.-]{{1,253}})")
_QUOTED = re.compile(r"\"[^\"]*+\"@([\w.-]{1,253})")
_MESSAGE_ID = "message-id"
_FIELDS = 100
_LONGEST = 2_000
_LINE = 900
_ADDRESSES = 20


def redacted(header: bytes, secret: bytes) -> str:
    """Give what may be told of a header, each field on lines of its own."""
    lines = []
    for number, (name, value) in enumerate(fields(header)):
        if number >= _FIELDS:
            break
        known = name.lower()
        text = unfold(value[:_LONGEST])
        if len(value) > _LONGEST:  # cut off, perhaps in a name whose @ would have told
            text = text.rpartition(" ")[0]
        if known in _MAILBOXES:
            shown = ", ".join(f"<{each}>" for each in _addresses(text, secret))
        elif known == _MESSAGE_ID:
            shown = text  # it names the message, and nobody
        elif known in _KEPT:
            shown = _hidden(text, secret)
        else:
            continue
        lines.append(_folded(name, shown))
    return "".join(lines)


def token(local: str, secret: bytes) -> str:
    """Give the token of a name."""
    digest = hmac.digest(secret, local.encode("utf-8", "replace"), hashlib.sha256)
    return base64.b32encode(digest)[:12].decode("ascii").lower()


def _hidden(text: str, secret: bytes) -> str:
    text = _QUOTED.sub(lambda found: f"{token(found[0], secret)}@{found[1]}", text)
    return _ADDRESS.sub(lambda found: f"{token(found[1], secret)}@{found[2]}", text)


def _addresses(text: str, secret: bytes) -> list[str]:
    found = _ADDRESS.finditer(_hidden(text, secret))
    return [match[0] for match, _ in zip(found, range(_ADDRESSES), strict=False)]


def _folded(name: str, text: str) -> str:
    shown = "".join(c if c.isprintable() and c.isascii() else "?" for c in text)
    line, lines = f"{name}:", []
    for word in shown.split():
        if len(line) + 1 + len(word) > _LINE // 10 and line.strip():
            lines.append(line)
            line = ""
        line += f" {word[:_LINE]}"
    return "\r\n".join([*lines, line]) + "\r\n"
