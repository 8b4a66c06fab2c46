"""Logging in: who is asked what a mechanism has to know, and what comes of it (RFC 4954)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from ulak.accounts.account import Account, key_of
from ulak.accounts.denied import Denied, Why
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.smtp.events import Auth, Response
from ulak.smtp.offers import Standing
from ulak.smtp.sasl.exchange import Exchange, challenge
from ulak.smtp.sasl.keys import ScramKeys
from ulak.smtp.sasl.steps import (
    Challenge,
    CheckCertificate,
    CheckPassword,
    CheckToken,
    NeedScramKeys,
    Question,
    Refusal,
    Step,
)
from ulak.smtp.sasl.table import make

if TYPE_CHECKING:  # OpenSSL and PyJWT are large, and not everybody needs them
    from ulak.accounts.tokens import Distrusted, Vouched
    from ulak.server.certified import Certified

_FAILED = catalog.AUTHENTICATION_FAILED.reply()
_DONE = catalog.AUTHENTICATED.reply()
_NOT_CERTIFIED = catalog.CERTIFICATE_REFUSED.reply()
_ANOTHER = "wants-to-act-as-another"


class Logins(Protocol):
    """Whom sessions ask about logins; `accounts.doorkeeper.Doorkeeper` is one.

    All verbs may raise `accounts.store.AccountsError`.
    """

    async def barred(self, ip: str) -> Denied | None:
        """Tell whether an address may not even try; None: it may."""

    async def password(self, ip: str, name: str, given: str) -> Account | Denied:
        """Try a password. What comes of it counts."""

    async def keys(self, ip: str, name: str) -> ScramKeys:
        """Give the SCRAM keys of a name, or pretended ones to whom is not to be let in."""

    async def proved(self, ip: str, name: str) -> Account | Denied:
        """Take a name that SCRAM, a token or a certificate has proved."""

    async def failed(self, ip: str, name: str) -> Denied:
        """Count a failure that somebody else has found."""


class Tokens(Protocol):
    """Who knows bearer tokens; `accounts.tokens.Tokens` is one."""

    def check(self, token: str) -> Vouched | Distrusted:
        """Say whom a token names. May read a file."""


class Login:
    """One login under way, of a client at `ip` that has shown the certificate `certified`.

    `account` is who the client is, once that is known. `denied` says in a word why it is not let
    in, for the journal, and `delay` for how long the next answer is to be held back, in seconds.
    Who is shut out is so for `minutes` more, else they are 0.
    """

    __slots__ = (
        "_authzid",
        "_banned",
        "_certified",
        "_exchange",
        "_ip",
        "_logins",
        "_name",
        "_tokens",
        "account",
        "delay",
        "denied",
        "mechanism",
        "minutes",
    )

    def __init__(
        self, logins: Logins, tokens: Tokens | None, ip: str, certified: Certified | None
    ) -> None:
        self._logins = logins
        self._tokens = tokens
        self._ip = ip
        self._certified = certified
        self._exchange: Exchange | None = None
        self._name = ""  # who the client says it is
        self._authzid = ""  # as whom it wants to act
        self.mechanism = ""
        self.account: Account | None = None
        self.denied = ""
        self.delay = 0.0
        self.minutes = 0
        self._banned = ""  # whom this failure has shut out

    @property
    def facts(self) -> dict[str, str]:
        """What the journal is told. A name that is no address is none: it may be a password."""
        name = self._name if self.account is None else self.account.address
        facts = {"mechanism": self.mechanism}
        if key_of(name) is not None:
            facts["account"] = name
        if self.denied:
            facts["denied"] = self.denied
        if self._banned:
            facts["banned"] = self._banned
        return facts

    async def begin(
        self, said: Auth, standing: Standing, nonce: str, bindings: Mapping[str, bytes]
    ) -> Reply:
        """Answer AUTH."""
        self.mechanism = said.mechanism
        barred = await self._logins.barred(self._ip)
        if barred is not None:
            self._note(barred)
            return _FAILED
        made = make(said.mechanism, standing.offers.ways, standing.channel, nonce, bindings)
        if isinstance(made, Reply):
            return made
        self._exchange = Exchange(made)
        return await self._take(self._exchange, self._exchange.begin(said.initial))

    async def go_on(self, said: Response) -> Reply:
        """Answer a response to a challenge."""
        assert self._exchange is not None  # noqa: S101 -- the core waits for none before 334
        return await self._take(self._exchange, self._exchange.line(said.line))

    async def _take(self, exchange: Exchange, step: Step) -> Reply:
        """Answer what the mechanism asks, until it has something to say to the client."""
        self.delay = 0.0
        while isinstance(step, Question):
            step = exchange.answered(await self._answer(step))
        match step:
            case Challenge(data):
                return challenge(data)
            case Refusal(reply):
                # SCRAM finds out by itself that a password is wrong.
                if reply.cause == _FAILED.cause and not self.denied:
                    await self._fail()
                return reply
            case _:
                if self.account is None:  # SCRAM has proved a name
                    found = await self._logins.proved(self._ip, self._name)
                    if isinstance(refusal := self._let_in(found, _FAILED), Reply):
                        return refusal
                return _DONE

    async def _answer(self, question: Question) -> str | Reply | ScramKeys:
        match question:
            case CheckPassword(name, password, authzid):
                self._name, self._authzid = name, authzid
                found = await self._logins.password(self._ip, name, password)
                return self._let_in(found, _FAILED)
            case NeedScramKeys(name, authzid):
                self._name, self._authzid = name, authzid
                return await self._logins.keys(self._ip, name)
            case CheckToken(name, token):
                self._name = self._authzid = name
                return await self._vouched(token)
            case CheckCertificate(authzid):
                self._name = self._authzid = authzid
                return await self._certificate()

    async def _vouched(self, token: str) -> str | Reply:
        from ulak.accounts.tokens import Distrusted  # noqa: PLC0415 -- as above

        assert self._tokens is not None  # noqa: S101 -- else no such mechanism is offered
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, self._tokens.check, token)
        if isinstance(found, Distrusted):
            await self._fail()
            return catalog.TOKEN_REFUSED.reply(problem=found.problem)
        self._name = found.name
        problem = "it names nobody who has an account here"
        nobody = catalog.TOKEN_REFUSED.reply(problem=problem)
        return self._let_in(await self._logins.proved(self._ip, found.name), nobody)

    async def _certificate(self) -> str | Reply:
        mailboxes = () if self._certified is None else self._certified.mailboxes
        wanted = key_of(self._authzid)
        named = [box for box in mailboxes if not self._authzid or key_of(box) == wanted]
        if len(named) != 1:  # nobody's, or several people's and it was not said whose
            await self._fail()
            return _NOT_CERTIFIED
        self._name = named[0]
        return self._let_in(await self._logins.proved(self._ip, named[0]), _NOT_CERTIFIED)

    def _let_in(self, found: Account | Denied, refusal: Reply) -> str | Reply:
        """Give the identity of who may come in, else the refusal.

        Who wants to act as another is refused like one with a wrong password.
        """
        if not isinstance(found, Account):
            self._note(found)
            if found.why is Why.DISABLED:
                return catalog.ACCOUNT_DISABLED.reply(account=self._name)
            return refusal
        # As itself, in whichever way it is named, everybody may act.
        if self._authzid not in ("", self._name) and key_of(self._authzid) != found.key:
            self.denied = _ANOTHER
            return refusal
        self.account = found
        return found.address

    async def _fail(self) -> None:
        self._note(await self._logins.failed(self._ip, self._name))

    def _note(self, denied: Denied) -> None:
        self.denied, self.delay, self.minutes = str(denied.why), denied.delay, denied.minutes
        self._banned = ", ".join(key.name for key in denied.banned)
