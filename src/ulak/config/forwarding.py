"""The settings of mail that aliases lead to other servers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ulak.config.kinds import Duration, FileName, Flag
from ulak.config.names import DomainName
from ulak.config.sections import setting

_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """Whether senders are rewritten (SRS), in the name of which domain, and for how long."""

    srs: bool = setting(Flag(), default=False)
    domain: str | None = setting(DomainName(), None)
    secret: Path | None = setting(FileName(), None)
    max_age: float = setting(Duration(least=_DAY, most=500 * _DAY), 21 * _DAY)
