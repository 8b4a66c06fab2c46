"""The logins of one session: how many there may be, and what a failed one costs (RFC 4954 §9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ulak.accounts.account import Account
from ulak.accounts.store import BusyError
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.login import Login
from ulak.server.site import Site
from ulak.smtp.events import Auth, Response
from ulak.smtp.offers import Standing

if TYPE_CHECKING:  # OpenSSL is large, and not everybody needs it
    from ulak.server.certified import Certified

_GO_ON, _REFUSED = 334, 535


class Entrance:
    """Answers AUTH and what follows it. `account` is who has logged in.

    `facts` are what the journal is told of the login that has just been decided.
    """

    __slots__ = ("_failed", "_login", "_over", "_session", "_site", "account", "facts")

    def __init__(self, site: Site, session: str) -> None:
        self._site = site
        self._session = session
        self._failed = 0
        self._login: Login | None = None
        self._over: asyncio.Event | None = None
        self.account: Account | None = None
        self.facts: dict[str, str] = {}

    async def answer(
        self,
        said: Auth | Response,
        standing: Standing,
        ip: str,
        certified: Certified | None,
        bindings: Mapping[str, bytes],
    ) -> Reply:
        """Answer a step of a login; late, where that is what a failure costs."""
        site, login = self._site, self._login
        if isinstance(said, Auth):
            assert site.logins is not None  # noqa: S101 -- else nothing is offered
            login = self._login = Login(site.logins, site.tokens, ip, certified)
        assert login is not None  # noqa: S101 -- the core holds the order
        try:
            if isinstance(said, Response):
                reply = await login.go_on(said)
            elif self._failed >= site.rules.failed_logins:
                reply = catalog.TOO_MANY_ERRORS.reply(hostname=site.rules.hostname)
            else:
                reply = await login.begin(said, standing, site.nonce(), bindings)
        except BusyError:
            reply = catalog.LOGINS_BUSY.reply()
        except Exception as error:  # noqa: BLE001 -- whatever it was, the client gets a 454
            incident = site.incident(error, session=self._session)
            reply = catalog.AUTHENTICATION_UNAVAILABLE.reply(id=incident)
        if login.minutes and reply.code != _GO_ON:
            reply = catalog.LOGINS_SHUT_OUT.reply(
                hostname=site.rules.hostname, ip=ip, minutes=login.minutes
            )
        if login.delay:
            await self._hold(login.delay)
        if reply.code != _GO_ON:
            self._login = None
            self.facts = login.facts
            self._failed += reply.code == _REFUSED
            if reply.positive:
                self.account = login.account
        return reply

    def rushed(self) -> None:
        """Take no further guess: the client goes on before it has heard that it was wrong.

        RFC 2920 §3.1 has AUTH wait for its answer; who does not reads no answers.
        """
        if self._failed:
            self._failed = self._site.rules.failed_logins

    async def take_word(self, name: str, ip: str) -> Reply | None:
        """Let in whom a server in front has let in; give a reply where that cannot be."""
        site = self._site
        self.facts = {"account": name, "mechanism": "XCLIENT"}
        if site.logins is None:
            return catalog.AUTHENTICATION_FAILED.reply()
        try:
            found = await site.logins.proved(ip, name)
        except BusyError:
            return catalog.LOGINS_BUSY.reply()
        except Exception as error:  # noqa: BLE001 -- as above
            incident = site.incident(error, session=self._session)
            return catalog.AUTHENTICATION_UNAVAILABLE.reply(id=incident)
        if not isinstance(found, Account):
            self.facts["denied"] = str(found.why)
            return catalog.AUTHENTICATION_FAILED.reply()
        self.account = found
        self.facts["account"] = found.address
        return None

    async def _hold(self, seconds: float) -> None:
        self._over = asyncio.Event()
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._over = None

    def release(self) -> None:
        """Hold nothing back any longer: the client is gone, or the server is about to stop."""
        if self._over is not None:
            self._over.set()

    def forget(self) -> None:
        """Forget who has logged in: what was said before TLS counts for nothing (RFC 3207 §4.2)."""
        self._login = self.account = None
        self.facts = {}
