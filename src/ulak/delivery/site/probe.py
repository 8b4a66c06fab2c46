"""Who of all who share limits probes a site when a suspension is over.

A probe is an attempt under a limit of one, which is shared as any limit is (`share`, `seat`): who
is alone has all of it, and one of several has no part and claims it. So one probes, and when it
dies its claim goes to another.

    suspension over:  ask;  the others wait for what the probe shows, or for their turn
    given:            first hear what has been learned, then begin
    ended:            first tell what it has shown, then give the claim back

Who is given the claim hears by that what the last probe has shown, and begins none where the site
is suspended anew. Without the file or the database each probes for itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ulak.delivery.site.share import LASTS, Place, Sharer

if TYPE_CHECKING:
    from ulak.delivery.site.suspension import Suspension
    from ulak.delivery.site.terms import Terms


class Probe:
    """The leave to probe one site from one source; follows `Claimant`.

    `of` is the suspension that it was last wanted for. `sure`: what others have learned is known,
    so that what is claimed may be used. Until then, or until another has shown how the site is,
    attempts wait.
    """

    __slots__ = (
        "_sharer",
        "_terms",
        "_waited_for",
        "_wanted",
        "claimed",
        "of",
        "part",
        "place",
        "share",
        "sure",
    )

    limit = size = lasting = 1

    def __init__(self, terms: Terms, place: Place, sharer: Sharer) -> None:
        self._terms = terms
        self._sharer = sharer
        self.place: Place = (f"probe of {place[0]}", place[1])
        self.of: Suspension | None = None
        self.part = self.share = sharer.part(1, self.place)
        self.claimed = 0.0
        self.sure = False
        self._wanted = False
        self._waited_for = False

    @property
    def site(self) -> str:
        """Name the site."""
        return self._terms.site

    def may(self) -> bool:
        """Whether the probe may begin now; if not, it is wanted from now on."""
        self.of = self._terms.suspension
        if self.part or (self.share and self.sure):
            return True
        self._wanted = self._waited_for = True
        return False

    @property
    def wanting(self) -> bool:
        """Whether an attempt waits for the leave."""
        return self._wanted and self._meant

    @wanting.setter
    def wanting(self, wanting: bool) -> None:
        self._wanted = wanting

    @property
    def active(self) -> int:
        """Say whether the probe is under way."""
        return int(self._meant and self._terms.window.active > 0)

    def kept(self, now: float) -> int:
        """Keep the leave for a while: mail for the probe may be on its way, or wait for its place.

        No longer: that mail may have gone elsewhere, and the others wait.
        """
        return int(bool(self.claimed) and self._meant and 0 <= now - self.claimed < LASTS)

    def turn(self, _now: float) -> bool:
        """Keep it for as long as the probe lasts."""
        return False

    def done(self, now: float) -> bool:
        """Whether the probe has ended, or nobody makes one."""
        return not self.active and not self.kept(now)

    def win(self, now: float, more: int = 1) -> bool:
        """Have the leave; it is used when one is `sure`."""
        self.claimed = now
        self.share, self._wanted = self.part + more, False
        return self.sure

    def lose(self) -> None:
        """Give it back."""
        self.claimed = 0.0
        self.share, self.sure = self.part, False
        self._wanted = self._waited_for

    def confirm(self) -> bool:
        """Note that all is known that others have learned; whether the probe may begin by that."""
        if self.sure or self.share <= self.part or not self._meant:
            return False
        self.sure = True
        self._waited_for = False
        return True

    def take(self, now: float) -> bool:
        """Have the leave without asking, since nobody can be asked; whether somebody waits."""
        if self.wanting and self.share <= self.part:
            self.win(now)
        return self.confirm()

    def overtaken(self) -> bool:
        """Note that another has shown how the site is; whether somebody has waited for that."""
        waited, self._waited_for = self._waited_for, False
        self._wanted = False
        return waited

    def divide(self) -> bool:
        """Take the part that is this worker's now; whether there is more room by that."""
        before, held = self.part, self.share - self.part
        self.part = self._sharer.part(1, self.place)
        self.share = self.part + held
        return self.part > before

    @property
    def _meant(self) -> bool:
        """Whether the suspension that it was wanted for is the present one."""
        return self.of is not None and self.of is self._terms.suspension
