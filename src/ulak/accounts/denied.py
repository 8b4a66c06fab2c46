"""Why somebody is not let in, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ulak.accounts.attempts import Key


class Why(StrEnum):
    """Why somebody is not let in, as the journal has it. A client is not told the first three."""

    UNKNOWN = "unknown-name"
    WRONG = "wrong-secret"
    WITHOUT = "no-secret-of-this-kind"  # the account has no password, or no SCRAM keys
    DISABLED = "disabled"  # and the secret was right
    SHUT_OUT = "shut-out"


@dataclass(frozen=True, slots=True)
class Denied:
    """Somebody is not let in.

    The answer is to be held back for `delay` seconds. Who is shut out may try again in so many
    `minutes`. `banned` is whom this failure has shut out until when.
    """

    why: Why
    delay: float = 0.0
    minutes: int = 0
    banned: Mapping[Key, float] = field(default_factory=dict)
