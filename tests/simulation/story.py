"""The story of a year, as short as it can be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .ledger import Broken
from .world import DAY
from .year import Year

_LINES = 60  # for each law that was broken
_LAWS = 5


def story(year: Year, broken: Sequence[Broken], *, whole: bool = True) -> str:
    """Tell the year: its sites, and for what was broken all that has to do with it."""
    plan = year.plan
    lines = [
        f"seed {plan.seed}: {plan.limits}, given up after {plan.retry.give_up_after / DAY:g} days"
    ]
    for site in plan.sites:
        server = site.server
        lines.append(
            f"  {site.name} ({site.temper}): {' '.join(site.domains)}; "
            f"{server.sessions} sessions, {server.most} at once"
        )
    ends: dict[str, int] = {}
    for life in year.ledger.lives.values():
        ends[life.how] = ends.get(life.how, 0) + 1
    lines.append(f"  ends: {ends}; {year.ledger.most_leased} leased at most")
    for each in list(broken)[:_LAWS]:
        lines += ["", f"BROKEN on {_when(each.at)}: {each}"]
        if whole:
            lines += list(_about(year, each))[-_LINES:]
    if len(broken) > _LAWS:
        lines.append(f"… and {len(broken) - _LAWS} more")
    if not broken:
        lines.append("  no law was broken")
    return "\n".join(lines) + "\n"


def _about(year: Year, broken: Broken) -> Iterator[str]:
    name = broken.what.strip("()'").partition("'")[0]
    for at, words in year.ledger.story:
        if words[0] == "we" or (name and any(name == w or f" {name}" in w for w in words)):
            yield f"  {_when(at)} {' '.join(words)}"


def _when(at: float) -> str:
    day, rest = divmod(at, DAY)
    hour, rest = divmod(rest, 3600)
    minute, second = divmod(rest, 60)
    return f"day {day:3.0f} {hour:02.0f}:{minute:02.0f}:{second:06.3f}"
