"""The settings of returns: bounces and complaints that come back later, and find their message."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ulak.config.kinds import Bad, ListOf, Plain
from ulak.config.mistake import Place, Report
from ulak.config.names import DomainName, MailAddress
from ulak.config.sections import setting


class DomainOrNone(Plain):
    """A domain name, or `""`."""

    name = "domain-or-none"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name, or the empty text for none."""
        return "" if value == "" else DomainName().read(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Where bounces go that come later, and where complaints do. `""`: senders stay as they are."""

    domain: str = setting(DomainOrNone(), "")
    complaints: tuple[str, ...] = setting(ListOf(MailAddress()), ())


def check_returns(domains: Collection[str], returns: Returns, report: Report) -> None:
    """Look whether the domain of returns is one for nothing else."""
    if returns.domain in domains:
        paths = (("returns", "domain"), ("domains", returns.domain))
        report.clash(paths, "returns-in-use", domain=returns.domain)
