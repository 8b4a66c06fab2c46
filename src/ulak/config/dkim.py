"""The settings of how outgoing mail is signed (RFC 6376)."""

from __future__ import annotations

from dataclasses import dataclass

from ulak.config.kinds import Choice, Duration, Flag, ListOf
from ulak.config.names import FieldName
from ulak.config.sections import setting

# As `ulak.checks.dkim.signing` has them, which a test holds: few commands need what that needs.
OVERSIGNED = (
    "from",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dkim:
    """How outgoing mail is signed, where there is an active key.

    `expire_after` is 0 for signatures that stay valid. Names of fields are in lower case.
    """

    sign: bool = setting(Flag(), default=True)
    relayed: bool = setting(Flag(), default=True)
    parent_domains: bool = setting(Flag(), default=True)
    oversign: tuple[str, ...] = setting(ListOf(FieldName()), OVERSIGNED)
    expire_after: float = setting(Duration(least=0.0), 0.0)
    on_failure: str = setting(Choice(("defer", "send")), "defer")
