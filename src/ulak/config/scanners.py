"""The settings of scanners: rspamd and clamd, and what follows from what they find."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from ulak.config.kinds import Choice, Count, Duration, ListOf, Number, Secret, Size, Text
from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.names import ServerOrUnix
from ulak.config.sections import setting
from ulak.config.values import Hidden, SocketAddress

WHOSE = ("strangers", "networks", "accounts", "lmtp")

_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
_ACTION = Choice(("none", "mark", "quarantine", "defer", "refuse"))
_SCORE = Number(-1000.0, 1000.0)
_OF_RSPAMD = (
    *("password", "spam", "suspect", "greylist", "soft_reject"),
    *("mark_from", "quarantine_from", "refuse_from"),
)
_OF_CLAMD = ("virus",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """One scanner. Without a name it is called by its kind."""

    name: str = setting(Text(), "")
    kind: str = setting(Choice(("rspamd", "clamd")))
    address: SocketAddress = setting(ServerOrUnix())
    password: Hidden | None = setting(Secret(), None)
    scans: tuple[str, ...] = setting(ListOf(Choice(WHOSE), least=1), ("strangers",))
    spam: str = setting(_ACTION, "refuse")
    suspect: str = setting(_ACTION, "mark")
    greylist: str = setting(_ACTION, "none")
    soft_reject: str = setting(_ACTION, "defer")
    virus: str = setting(_ACTION, "refuse")
    mark_from: float | None = setting(_SCORE, None)
    quarantine_from: float | None = setting(_SCORE, None)
    refuse_from: float | None = setting(_SCORE, None)
    on_error: str = setting(Choice(("defer", "accept", "quarantine")), "defer")
    too_large: str = setting(Choice(("accept", "quarantine", "refuse")), "accept")
    max_size: int = setting(Size(), 25_000_000)
    timeout: float = setting(Duration(least=0.1, most=300.0), 30.0)
    connections: int = setting(Count(1, 1000), 10)

    @property
    def called(self) -> str:
        """What the scanner is called in the journal and in messages."""
        return self.name or self.kind


def check_scanner(path: Path, one: Scanner, taken: dict[str, Path], report: Report) -> None:
    """Look whether what is said of a scanner goes together; `taken` are the names before it."""
    if one.name and not _NAME.fullmatch(one.name):
        report.clash(((*path, "name"),), "scanner-name")
    if one.called in taken:
        report.clash(((*path, "name"), path), "scanner-twice", name=one.called)
    taken.setdefault(one.called, path)
    foreign, kind = (_OF_CLAMD, "clamd") if one.kind == "rspamd" else (_OF_RSPAMD, "rspamd")
    for name in foreign:
        where = (*path, name)
        if where in report.spots:
            report.clash(((*path, "kind"), where), "scanner-of-other-kind", kind=kind)
    limits = [(name, getattr(one, name)) for name in _OF_RSPAMD[-3:]]
    given = [(name, limit) for name, limit in limits if limit is not None]
    for (lower, low), (higher, high) in pairwise(given):
        if low >= high:
            paths = ((*path, lower), (*path, higher))
            report.clash(paths, "scanner-scores", lower=lower, higher=higher)
