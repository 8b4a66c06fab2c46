"""The settings of webhooks: who is told what happens to mail."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path as File

from ulak.config.kinds import Bad, Choice, Count, Duration, FileName, Flag, ListOf, Plain
from ulak.config.lines import Path
from ulak.config.mistake import Place, Report
from ulak.config.names import DomainName
from ulak.config.sections import setting

EVENTS = ("accepted", "delivered", "deferred", "bounced", "suppressed", "complained")
_FINAL = ("delivered", "bounced", "suppressed", "complained")
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[\x21-\x7e]{0,1000})?"
)
_SHORTEST = 16  # octets of a secret


class HookAddress(Plain):
    """The address to which events are posted."""

    name = "hook-address"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take `https://HOST/PATH`, or `http://…` for one in a private network."""
        if isinstance(value, str) and _URL.fullmatch(value) and "#" not in value:
            return value
        return self.unlike(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One receiver of events. `secret` is a file. No `domains`: events of all senders."""

    url: str = setting(HookAddress())
    secret: File = setting(FileName())
    events: tuple[str, ...] = setting(ListOf(Choice(EVENTS), least=1), _FINAL)
    domains: tuple[str, ...] = setting(ListOf(DomainName()), ())
    private: bool = setting(Flag(), default=False)
    timeout: float = setting(Duration(least=1.0, most=120.0), 15.0)
    backlog: int = setting(Count(100, 10_000_000), 100_000)


def check_webhook(path: Path, one: Webhook, taken: dict[str, Path], report: Report) -> None:
    """Look whether a receiver can be trusted, and its secret read; `taken` are those before it."""
    if one.url.startswith("http://") and not one.private:
        report.clash(((*path, "url"), path), "hook-in-clear")
    if one.url in taken:
        report.clash(((*path, "url"), taken[one.url]), "hook-twice", url=one.url)
    taken.setdefault(one.url, path)
    try:
        size = len(one.secret.read_bytes().strip())
    except OSError as error:
        report.clash(((*path, "secret"),), "hook-secret-unreadable", problem=error.strerror or "")
        return
    if size < _SHORTEST:
        report.clash(((*path, "secret"),), "hook-secret-short", least=str(_SHORTEST))
