"""All sites that a worker knows: as many as are in use, and a bounded many beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ulak.delivery.site.pace import Rate
from ulak.delivery.site.probe import Probe
from ulak.delivery.site.rollup import provider_of
from ulak.delivery.site.share import Claimant, Member, Sharer
from ulak.delivery.site.shared import Kept, Place
from ulak.delivery.site.site import Gates, Site, no_gate
from ulak.delivery.site.suspension import Suspension
from ulak.delivery.site.terms import Terms
from ulak.delivery.site.window import Learning

_MOST = 5000  # sites that are not in use; those that were used longest ago go first
_ALONE = Member()
_LEARNED = 20_000  # of those of which something was learned


@dataclass(frozen=True, slots=True)
class Limit:
    """What is configured for one site: how many attempts at a time, 0 for the usual; how fast."""

    most: int = 0
    rate: Rate | None = None


_USUAL = Limit()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is configured for sites; `limits` by the name of a host, or `*.` and its end."""

    learning: Learning = field(default_factory=Learning)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    gates: Gates = no_gate

    def of(self, hosts: Iterable[str]) -> Limit:
        """Give what is configured for the site of these hosts."""
        if self.limits:
            for host in hosts:
                name = host.rstrip(".")
                found = self.limits.get(name)
                while found is None and "." in name:
                    _, _, name = name.partition(".")
                    found = self.limits.get(f"*.{name}")
                if found is not None:
                    return found
        return _USUAL


class Sites:
    """The sites by name. The one that was asked for last is the last.

    `member` is which worker this is; `claims` are the terms (or the probes there) that want, or
    have, more than its part of their limit, and `wanting` is called when there are more of them.
    """

    def __init__(
        self, bounds: Bounds | None = None, most: int = _MOST, member: Sharer = _ALONE
    ) -> None:
        self._bounds = bounds or Bounds()
        self._member = member
        self._changed: dict[Place, Terms] = {}
        self._told: dict[str, dict[str, Kept]] = {}  # by site and source
        self.claims: dict[Place, Claimant] = {}
        self.wanting: Callable[[], None] = lambda: None
        self._most = most
        self._sites: dict[str, Site] = {}

    @classmethod
    def to(cls, most: int) -> Sites:
        """Make sites with no more than so many attempts at a time for each."""
        return cls(Bounds(Learning(most=most)))

    def of(self, name: str, hosts: Iterable[str] = (), *, learns: bool = True) -> Site:
        """Give a site, new where it is not known; `hosts` are the names of its hosts."""
        site = self._sites.pop(name, None) or self._made(name, hosts, learns=learns)
        self._sites[name] = site
        return site

    def known(self, name: str) -> Site | None:
        """Give a site if it is known."""
        return self._sites.get(name)

    def suspension(self, name: str) -> Suspension | None:
        """Give why nothing is sent to a site from any source, None where there is no reason."""
        site = self._sites.get(name)
        if site is None:
            return None
        found = [terms.suspension for terms in site]
        return min((s for s in found if s is not None), key=lambda s: s.until, default=None)

    def _made(self, name: str, hosts: Iterable[str], *, learns: bool) -> Site:
        learning = self._bounds.learning
        hosts = tuple(hosts)
        if len(self._sites) >= self._most:
            self._forget()
        if not learns:
            full = Learning(learning.most, learning.most)
            return Site(name, full, learns=False, gates=self._bounds.gates)
        limit = self._bounds.of(hosts)
        provider = provider_of(host.lower() for host in hosts)
        named = provider.limits.connections if provider is not None else 0
        if limit.most:
            learning = Learning(learning.first, limit.most)
        elif named:  # the operator has said nothing, and the provider has
            learning = Learning(learning.first, min(named, learning.most))
        site = Site(name, learning, limit.rate, member=self._member, gates=self._bounds.gates)
        site.provider = provider.slug if provider is not None else ""
        for kept in self._told.pop(name, {}).values():
            site.of(kept.source).take(kept, kept.changed)
        return site

    def take(self, kept: Kept, now: float) -> bool:
        """Take over what another worker has learned; whether attempts that wait look again.

        Of a site that is not known here it is kept until mail goes there.
        """
        site = self._sites.get(kept.site)
        if site is not None:
            return site.of(kept.source).take(kept, now)
        if len(self._told) >= _LEARNED:
            del self._told[next(iter(self._told))]
        self._told.setdefault(kept.site, {})[kept.source] = kept
        return False

    # -- what others should know ------------------------------------------------------------

    def touch(self, name: str, terms: Terms) -> None:
        """Note that something was learned."""
        self._changed[name, terms.source] = terms

    def changed(self) -> list[tuple[str, Terms]]:
        """Give what was learned since this was last asked."""
        found = [(name, terms) for (name, _), terms in self._changed.items()]
        self._changed.clear()
        return found

    def want(self, site: Site) -> None:
        """Note that attempts at a site wait for more than this worker's part of its limit."""
        new: dict[Place, Claimant] = {}
        for terms in site:
            if terms.wanting:
                new[site.name, terms.source] = terms
            if terms.probe is not None and terms.probe.wanting:
                new[terms.probe.place] = terms.probe
        if not new.keys() <= self.claims.keys():
            self.claims |= new
            self.wanting()

    @property
    def probes(self) -> list[Probe]:
        """Give the probes among the claims."""
        return [each for each in self.claims.values() if isinstance(each, Probe)]

    def divide(self, wider: float = 1.0) -> list[str]:
        """Take the parts of limits that are this worker's now; name the sites with more room."""
        return [site.name for site in self._sites.values() if site.divide(wider)]

    def beyond(self) -> None:
        """Note as claimed whatever is under way beyond this worker's parts."""
        for site in self._sites.values():
            if site.learns:
                for terms in site:
                    if terms.window.active > terms.part:
                        self.claims.setdefault((site.name, terms.source), terms)
                    probe = terms.probe
                    if probe is not None and probe.active > probe.part:
                        self.claims.setdefault(probe.place, probe)

    def _forget(self) -> None:
        """Forget a tenth of those that are not in use, those without anything learned first."""
        idle = [site for site in self._sites.values() if not site.busy]
        plain = [site for site in idle if not site.learned]
        goes = plain[: max(self._most // 10, 1)]
        learned = len(idle) - len(plain)
        if learned > _LEARNED:
            goes += [site for site in idle if site.learned][: learned - _LEARNED]
        for site in goes:
            del self._sites[site.name]

    def __iter__(self) -> Iterator[Site]:
        """Give all sites."""
        return iter(list(self._sites.values()))

    def __len__(self) -> int:
        return len(self._sites)
