"""Sites to which nothing is sent for a while, and for which of their domains that is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator

_MOST = 100_000  # domains that are remembered


class Shut:
    """The shut sites of a worker, by name."""

    def __init__(self) -> None:
        self._sites: dict[str, tuple[float, set[str]]] = {}  # until when, for which domains
        self._count = 0  # of the domains
        self._swept: set[str] = set()  # sites whose mail is looked through
        self._lately: set[str] = set()  # domains that have been noted since `lately` was asked

    def __contains__(self, name: str) -> bool:
        return name in self._sites

    def close(self, name: str, until: float, domains: Collection[str]) -> None:
        """Shut a site until then."""
        before = self._sites.get(name)
        self._sites[name] = (until, set() if before is None else before[1])
        self.note(name, domains)

    def note(self, name: str, domains: Collection[str]) -> None:
        """Lease nothing for these domains while their site is shut."""
        known = self._sites[name][1]
        if self._count < _MOST:
            before = len(known)
            known.update(domains)
            self._count += len(known) - before
            self._lately.update(domains)

    def over(self, name: str, now: float) -> bool:
        """Whether a site need not be shut any longer; one that is not shut need not."""
        shut = self._sites.get(name)
        return shut is None or shut[0] <= now

    def open(self, name: str) -> bool:
        """Open a site; whether it had been shut."""
        shut = self._sites.pop(name, None)
        self._swept.discard(name)
        if shut is not None:
            self._count -= len(shut[1])
        return shut is not None

    def domains(self) -> dict[str, set[str]]:
        """Tell which sites are shut, and of which of their domains that is known."""
        return {name: set(domains) for name, (_, domains) in self._sites.items()}

    def avoided(self) -> Iterator[str]:
        """Give the domains for which nothing is leased."""
        for name, (_, domains) in self._sites.items():
            if name not in self._swept:
                yield from domains

    def sweep(self, name: str, *, more: bool) -> bool:
        """Have mail leased even for a shut site, to be given back, until there is no `more`.

        So what is too old is found. Whether there is something to lease now.
        """
        if more and name in self._sites:
            self._swept.add(name)
            return True
        self._swept.discard(name)
        return False

    def lately(self) -> set[str]:
        """Name the domains of sites that are shut, or have been since this was asked last.

        One that is probed is open for the moment.
        """
        lately, self._lately = self._lately, set()
        return lately.union(*(domains for _, domains in self._sites.values()))
