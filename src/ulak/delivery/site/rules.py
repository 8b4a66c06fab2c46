"""What follows from a cause: rules as data, with defaults for families and large providers.

A rule says for which causes, families or patterns of replies, and perhaps at which sites, what is
done. The operator's (`[[delivery.rule]]`) come first, then those for large providers
(`rules.providers.toml`), then those for all (`rules.toml`), each in their order: the first that
fits counts. What is done to the site:

-   `fewer`: attempts at a time are halved
-   `slow-down`: that, and nothing is sent for as long as the site says, else `wait`; then slower
-   `suspend`: nothing is sent from this source address for as long as it says, else `wait`, twice
    as long each time up to `longest`
-   `probe`: after `after` attempts in a row that came to nothing, as `suspend`

and to the message alone:

-   `retry`: it waits `wait` before its next attempt, then longer up to `longest`; without them
    as `[delivery.retry]` has it
-   `soon`: it is tried again when the site says, else as with `retry`
-   `bounce`: it goes back at once, even where the refusal was only temporary
-   `none`: what the reply's class says, and nothing else

Where the site is at fault, its messages wait for it, and their own waits do not grow.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from ulak.delivery.site.suspension import Reason
from ulak.replies.catalog import CATALOG


class Act(StrEnum):
    """What is done."""

    NONE = "none"
    RETRY = "retry"
    SOON = "soon"
    BOUNCE = "bounce"
    FEWER = "fewer"
    SLOW_DOWN = "slow-down"
    SUSPEND = "suspend"
    PROBE = "probe"


OF_SITES = {
    Act.FEWER: Reason.TOLD,
    Act.SLOW_DOWN: Reason.TOLD,
    Act.SUSPEND: Reason.REFUSED,
    Act.PROBE: Reason.DEAD,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Times are in seconds, 0.0 where it says nothing.

    `causes` and `families` are names of the catalog, `patterns` those of rules for other servers'
    words (`ulak.replies.patterns`); without any it fits all. `sites` are names as `rollup` gives
    them, or providers; none: everywhere. `source` and `date` say where a default was read, `says`
    what is said there, in our words.
    """

    name: str
    act: Act
    causes: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    wait: float = 0.0
    longest: float = 0.0
    after: int = 1
    source: str = ""
    date: str = ""
    says: str = ""

    def fits(self, cause: str, family: str, sites: Iterable[str], pattern: str = "") -> bool:
        """Whether it is for this; `sites` are the names of the site."""
        if self.sites and self.sites.isdisjoint(sites):
            return False
        if not self.causes and not self.families and not self.patterns:
            return True
        return cause in self.causes or family in self.families or pattern in self.patterns


_SETS = ("causes", "families", "patterns", "sites")
NOTHING = Rule("none", Act.NONE)


class Rules:
    """The operator's rules, then the defaults."""

    def __init__(self, own: Iterable[Rule] = ()) -> None:
        self._rules = (*own, *defaults())
        self._named = frozenset(site for rule in self._rules for site in rule.sites)
        self._patterns = frozenset(name for rule in self._rules for name in rule.patterns)
        self._found: dict[tuple[str, str, str, str], Rule] = {}

    def find(self, cause: str, site: str, provider: str = "", pattern: str = "") -> Rule:
        """Give the rule for a cause at a site, which may be one of a provider's.

        `pattern` is what the reply was known by.
        """
        named = self._named
        site, provider = (name if name in named else "" for name in (site, provider))
        key = (cause, site, provider, pattern if pattern in self._patterns else "")
        rule = self._found.get(key)
        if rule is None:
            row = CATALOG.get(cause)
            family = row.family if row is not None else ""
            names = (site, provider)
            fitting = (each for each in self._rules if each.fits(cause, family, names, pattern))
            rule = self._found[key] = next(fitting, NOTHING)
        return rule


@cache
def defaults() -> tuple[Rule, ...]:
    """Give the rules for large providers, and then those for all."""
    found = []
    for name in ("rules.providers.toml", "rules.toml"):
        text = resources.files(__package__).joinpath(name).read_text("utf-8")
        found += [_rule(table) for table in tomllib.loads(text)["rule"]]
    return tuple(found)


def default(name: str) -> Rule | None:
    """Give a default by its name."""
    return next((rule for rule in defaults() if rule.name == name), None)


def _rule(table: Mapping[str, object]) -> Rule:
    told = dict(table)
    sets = {key: frozenset(_list(told.pop(key, ()))) for key in _SETS}
    act = Act(str(told.pop("act")))
    return Rule(act=act, **sets, **told)  # type: ignore[arg-type]  # a test reads them all


def _list(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
