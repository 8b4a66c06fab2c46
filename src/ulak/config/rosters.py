"""The settings of rosters: who has a mailbox in a domain, as something else than the file knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as File

from ulak.config.argv import Argv
from ulak.config.kinds import Choice, Count, Duration, FileName, Text
from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.names import Database, ServerOrUnix
from ulak.config.sections import setting
from ulak.config.values import SocketAddress

_HOUR, _DAY = 3600.0, 86_400.0
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "file": ("path",),
    "command": ("command", "give"),
    "sqlite": ("path", "query"),
    "postgresql": ("database", "query"),
    "lmtp": ("address", "tls", "ca"),
    "smtp": ("address", "tls", "ca"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "file": ("path",),
    "command": ("command",),
    "sqlite": ("path", "query"),
    "postgresql": ("database", "query"),
    "lmtp": ("address",),
    "smtp": ("address",),
}
_OWN = ("path", "database", "command", "give", "query", "address", "tls", "ca")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """One roster, of a kind, with what that kind needs."""

    kind: str = setting(Choice(("file", "command", "sqlite", "postgresql", "lmtp", "smtp")))
    path: File | None = setting(FileName(), None)
    database: str = setting(Database(), "")
    query: str = setting(Text(), "")
    command: tuple[str, ...] | None = setting(Argv(), None)
    address: SocketAddress | None = setting(ServerOrUnix(), None)
    tls: str = setting(Choice(("opportunistic", "required", "implicit", "off")), "opportunistic")
    ca: File | None = setting(FileName(), None)
    give: str = setting(Choice(("argument", "input")), "argument")
    keep: float = setting(Duration(least=0.0), 300.0)
    keep_unknown: float = setting(Duration(least=0.0), 60.0)
    keep_in_trouble: float = setting(Duration(least=0.0), 7 * _DAY)
    most: int = setting(Count(1, 10_000_000), 100_000)
    timeout: float = setting(Duration(least=0.1, most=_HOUR / 12), 10.0)
    at_once: int = setting(Count(1, 1000), 10)


def check_roster(path: Path, one: Roster, report: Report) -> None:
    """See that a roster has what its kind needs, and nothing of another kind."""
    for name in _NEEDED[one.kind]:
        if not getattr(one, name):
            report.clash(((*path, "kind"), (*path, name)), "roster-needs", kind=one.kind, name=name)
    for name in _OWN:
        where = (*path, name)
        if where in report.spots and name not in _OF_KIND[one.kind]:
            report.clash(((*path, "kind"), where), "roster-of-other-kind", kind=one.kind)
    if one.kind == "smtp" and one.address is not None and one.address.path:
        report.clash(((*path, "kind"), (*path, "address")), "unix-without-lmtp")
    if one.address is not None and one.address.path and one.tls in ("required", "implicit"):
        report.clash(((*path, "address"), (*path, "tls")), "roster-unix-tls")
    if one.ca is not None:
        from ulak.config.certificates import check_authorities  # noqa: PLC0415 -- ssl is slow

        check_authorities((*path, "ca"), one.ca, report)
    if one.path is not None and not one.path.is_file():
        report.warn((*path, "path"), "roster-missing", file=str(one.path))
