"""From a reply's words to the cause behind it.

This knows the catalog's own rows by their codes. Recognising other servers' words is the place
of the patterns that come beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ulak.replies import catalog


@dataclass(frozen=True, slots=True)
class Classified:
    """A cause, what decided it (`text`, `provider`, `enhanced`, `code`, `none`), and the facts."""

    cause: str
    decided_by: str
    facts: Mapping[str, str] = field(default_factory=dict)


def classify(code: int, enhanced: str | None, text: str) -> Classified:
    """Name the cause of a reply. `enhanced` has its class digit."""
    del enhanced, text
    row = catalog.REMOTE_REFUSED if code >= 500 else catalog.REMOTE_DEFERRED  # noqa: PLR2004
    return Classified(row.name, "code")
