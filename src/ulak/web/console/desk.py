"""What the pages of the console work with, and who is at one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ulak.accounts.account import Account, Role
from ulak.accounts.doorkeeper import Doorkeeper
from ulak.accounts.visits import Visits
from ulak.journal.deed import By
from ulak.log import Log
from ulak.web.addresses import localized
from ulak.web.console.absent import absent
from ulak.web.console.cookies import address, form_token, visit_of
from ulak.web.console.once import Once
from ulak.web.console.ports import Operation
from ulak.web.console.times import Times
from ulak.web.console.watch import Watch
from ulak.web.page import fragment, language_of, render
from ulak.web.words import say

ROOT = "/console"


@dataclass(frozen=True, slots=True)
class Desk:
    """The server, and who looks after its console.

    `clock` gives seconds since the epoch, `chance` as many octets of chance as it is asked for,
    `pause` waits for so many seconds. `operators` tells whether anybody has a role; it may block,
    and raise AccountsError.
    """

    operation: Operation
    doorkeeper: Doorkeeper
    visits: Visits
    operators: Callable[[], bool]
    clock: Callable[[], float]
    chance: Callable[[int], bytes]
    log: Log
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    once: Once = field(default_factory=Once)
    watch: Watch = field(default_factory=Watch)
    sections: tuple[tuple[str, str], ...] = ()  # name and path of what navigation leads to


@dataclass(frozen=True, slots=True)
class Here:
    """Somebody at a page of the console. `ip` is the browser's address, `""` where unknown."""

    desk: Desk
    request: Request
    account: Account
    token: str = field(repr=False)  # of the visit
    ip: str = ""

    @property
    def operation(self) -> Operation:
        """The server in this operator's hands."""
        return self.desk.operation

    @property
    def admin(self) -> bool:
        """Whether the visitor may act, and not only look."""
        return self.account.role.covers(Role.ADMIN)

    @property
    def by(self) -> By:
        """Who it is, for the journal."""
        return By(self.account.address, "console", self.ip)

    @property
    def language(self) -> str:
        """The language of the page."""
        return language_of(self.request)

    def say(self, name: str, /, **facts: object) -> str:
        """Give a text of the pages."""
        return say(self.language, name, **facts)

    def page(
        self,
        template: str,
        *,
        title: str,
        section: str = "",
        **context: Any,  # noqa: ANN401 -- what a template needs is the template's business
    ) -> Response:
        """Answer with a page in the frame of the console; `section` is the present place."""
        return render(
            self.request,
            template,
            title=title,
            index=False,
            section="console",
            here=self,
            place=section,
            sections=self.desk.sections,
            form=form_token(self.token),
            times=Times(self.language, self.desk.clock()),
            absent=absent(self.operation.missing(), self.language),
            **context,
        )

    def part(self, template: str, **context: Any) -> Response:  # noqa: ANN401 -- as above
        """Answer with a part of a page, to be put into one that is there."""
        times = Times(self.language, self.desk.clock())
        return fragment(self.request, template, here=self, times=times, **context)

    def lead(self, path: str, query: str = "") -> Response:
        """Lead on to another page of the console, after something was done."""
        return lead(self.request, path, query)

    async def still(self) -> bool:
        """Whether the visit goes on: for what sends more and more, and asks now and then."""
        found = await asyncio.to_thread(self.desk.visits.visitor, self.token, active=False)
        return found is not None


def lead(request: Request, path: str, query: str = "") -> Response:
    """Lead a browser to a page of the console, in the language that it reads."""
    target = localized(f"{ROOT}{path}", language_of(request)) + (f"?{query}" if query else "")
    if "hx-request" in request.headers:  # what htmx follows would be put into a part of the page
        return Response(status_code=204, headers={"hx-redirect": target})
    return RedirectResponse(target, 303)


async def visitor(desk: Desk, request: Request) -> Here | None:
    """Tell who is at a page; None for a stranger."""
    token = visit_of(request)
    if not token:
        return None
    # A page that keeps itself fresh is not somebody who is there.
    by_itself = (
        "hx-request" in request.headers or request.headers.get("accept") == "text/event-stream"
    )
    active = request.method == "POST" or not by_itself
    found = await asyncio.to_thread(desk.visits.visitor, token, active=active)
    if found is None:
        return None
    return Here(desk, request, found[0], token, address(request))
