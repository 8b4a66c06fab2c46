"""Who is let in: secrets are tried, failures counted, and nothing tells which names there are.

Whatever is asked is done in one thread of its own, off the event loop: one argon2id hash is made
at a time in a process, and takes the memory of one. For a name without an account, for an account
without a password, and for one who is shut out, a password is tried on a decoy: the work is the
same and so are the words. Only the journal knows the difference.

A device that goes on with an old password does not guess: the same wrong password for the same
name from the same address counts for less.
"""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from ulak.accounts import password
from ulak.accounts.account import Account, key_of
from ulak.accounts.attempts import Attempts, Key, Look
from ulak.accounts.denied import Denied, Why
from ulak.accounts.store import Accounts, BusyError
from ulak.smtp.sasl.keys import ScramKeys

T = TypeVar("T")
_LOT = 32  # octets
_REMEMBERED = 10_000  # failures
_MOST_WAITING = 100  # of those who wait for the thread: some seconds' worth


class Doorkeeper:
    """Looks after the accounts for one process.

    `clock` gives seconds since the epoch, `chance` as many octets of chance as it is asked for.
    `pretend` makes SCRAM keys of a name and a secret (RFC 5802 §9); `tell` hears whom a failure
    has shut out, until when. Names are as clients write them; one without a domain is taken for
    one at `home`, where there is such a domain. All awaitable verbs raise
    AccountsError where the accounts cannot be read, BusyError among them: the client is to come
    back later.
    """

    def __init__(
        self,
        accounts: Accounts,
        attempts: Attempts,
        *,
        clock: Callable[[], float],
        chance: Callable[[int], bytes],
        pretend: Callable[[str, bytes], ScramKeys],
        tell: Callable[[Key, float], None] = lambda _whom, _until: None,
        home: str = "",
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._clock = clock
        self._chance = chance
        self._pretend = pretend
        self._tell = tell
        self._home = home
        self._thread = ThreadPoolExecutor(1, "doorkeeper")
        self._waiting = 0
        self._decoy = password.decoy(chance(password.CHANCE))
        self._secret = b""
        self._lot = chance(_LOT)  # so that what is remembered is nothing to anybody else
        self._tried: dict[bytes, None] = {}  # what failed, the latest last

    async def barred(self, ip: str) -> Denied | None:
        """Tell whether an address may not even try; None: it may."""

        def look() -> Denied | None:
            found = self._attempts.look_at(ip, self._clock())
            return self._shut_out(found) if found.until and not found.home else None

        return await self._do(look)

    async def password(self, ip: str, name: str, given: str) -> Account | Denied:
        """Try a password. What comes of it counts."""

        def try_it() -> Account | Denied:
            whole = self._whole(name)
            key = key_of(whole) or ""
            look = self._attempts.look(ip, key, self._clock())
            if look.until and not look.home:
                return self._shut_out(look)
            account = self._accounts.find(whole)
            kept = "" if account is None or look.until else account.password
            right = password.matches(kept or self._decoy, given)
            if look.until:
                return self._shut_out(look)
            if account is None:
                return self._fail(ip, key, Why.UNKNOWN, given)
            if not right:
                return self._fail(ip, key, Why.WRONG if kept else Why.WITHOUT, given)
            return self._let_in(ip, key, self._renewed(account, given))

        return self._told(await self._do(try_it))

    async def keys(self, ip: str, name: str) -> ScramKeys:
        """Give the SCRAM keys of a name, or pretended ones to whom is not to be let in."""

        def find() -> ScramKeys:
            whole = self._whole(name)
            key = key_of(whole)
            if not self._secret:
                self._secret = self._accounts.secret()
            pretended = self._pretend(key or name, self._secret)
            look = self._attempts.look(ip, key or "", self._clock())
            account = self._accounts.find(whole)
            if account is None or account.disabled or account.scram is None or look.until:
                return pretended
            return account.scram

        return await self._do(find)

    async def proved(self, ip: str, name: str) -> Account | Denied:
        """Take a name that SCRAM, a token or a certificate has proved."""

        def find() -> Account | Denied:
            whole = self._whole(name)
            account = self._accounts.find(whole)
            if account is None:
                return self._fail(ip, key_of(whole) or "", Why.UNKNOWN)
            return self._let_in(ip, account.key, account)

        return self._told(await self._do(find))

    async def failed(self, ip: str, name: str, why: Why = Why.WRONG) -> Denied:
        """Count a failure that was found elsewhere: of SCRAM, of a token."""

        def fail() -> Denied:
            whole = self._whole(name)
            key = key_of(whole) or ""
            look = self._attempts.look(ip, key, self._clock())
            if look.until:
                return self._shut_out(look)
            account = self._accounts.find(whole)
            return self._fail(ip, key, Why.UNKNOWN if account is None else why)

        denied = await self._do(fail)
        self._told(denied)
        return denied

    async def close(self) -> None:
        """Let go of the accounts once what waits is done."""
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._accounts.close)
        await asyncio.to_thread(self._attempts.close)

    def _told(self, answer: Account | Denied) -> Account | Denied:
        if isinstance(answer, Denied):
            for whom, until in answer.banned.items():
                self._tell(whom, until)
        return answer

    # -- in the thread ----------------------------------------------------------------------

    def _whole(self, name: str) -> str:
        """Give the name with its domain, where that makes it one of an account.

        What is no account's could be a password in the wrong place, and must not be counted, and
        so kept, as a name.
        """
        if not name or not self._home or "@" in name:
            return name
        whole = f"{name}@{self._home}"
        return name if self._accounts.find(whole) is None else whole

    async def _do(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _fail(self, ip: str, key: str, why: Why, given: str | None = None) -> Denied:
        again = given is not None and self._again(ip, key, given)
        failure = self._attempts.failed(ip, key, self._clock(), again=again)
        return Denied(why, failure.delay, banned=failure.banned)

    def _again(self, ip: str, key: str, given: str) -> bool:
        """Whether this has failed before, as far as is remembered here; it is from now on."""
        what = f"{ip}\0{key}\0{given}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._lot, what, "sha256")
        again = self._tried.pop(digest, self._tried) is None
        self._tried[digest] = None
        if len(self._tried) > _REMEMBERED:
            del self._tried[next(iter(self._tried))]
        return again

    def _let_in(self, ip: str, key: str, account: Account) -> Account | Denied:
        if account.disabled:
            return Denied(Why.DISABLED)
        self._attempts.succeeded(ip, key, self._clock())
        return account

    def _renewed(self, account: Account, given: str) -> Account:
        """Make a hash anew that was made at another cost; who changes it meanwhile wins."""
        if not password.outdated(account.password):
            return account
        renewed = replace(account, password=password.hashed(given, self._chance(password.SALT)))
        return renewed if self._accounts.replace(renewed, was=account) else account

    def _shut_out(self, look: Look) -> Denied:
        return Denied(Why.SHUT_OUT, minutes=math.ceil((look.until - self._clock()) / 60))
