"""The settings of what refused senders can look up: the ids in replies, and the page about them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.config.kinds import Bad, Count, Duration, Flag, Plain
from ulak.config.mistake import Place, Report
from ulak.config.sections import setting
from ulak.replies.refusal import LONGEST_ADDRESS

_DAY = 86_400.0
# What every program that makes links of addresses takes as one, and no more than that.
_ADDRESS = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?/[A-Za-z0-9._~/?=&%-]*"
)


class WebAddress(Plain):
    """The address of a page, up to what is put behind it."""

    name = "web-address"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take `https://HOST/PATH/`; the slash at the end is put there where it is missing."""
        if not isinstance(value, str):
            return self.unlike(value, place)
        whole = value if not value or value.endswith(("/", "=")) else f"{value}/"
        if whole and (len(whole) > LONGEST_ADDRESS or not _ADDRESS.fullmatch(whole)):
            return self.unlike(value, place)
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What is told to those whose mail is refused. Without an address replies have the id alone."""

    ids: bool = setting(Flag(), default=True)
    address: str = setting(WebAddress(), "")
    page: bool = setting(Flag(), default=True)
    keep: float = setting(Duration(least=60.0), 14 * _DAY)
    requests_per_minute: int = setting(Count(1, 100_000), 30)
    checks_per_hour: int = setting(Count(0, 100_000), 20)


def check_why(why: Why, report: Report) -> None:
    """See that a page that replies name is there, and that there is something to look up."""
    address = ("why", "address")
    if why.address and not why.ids:
        report.clash((("why", "ids"), address), "address-without-ids")
    if why.address and not why.page:
        report.warn(address, "address-without-page", address=why.address)
