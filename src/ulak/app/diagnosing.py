"""What `ulak check` does, without its words: a resolver, a clock, and the default policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ulak import config as settings
from ulak.app.fetching import PolicyFetcher
from ulak.app.handshaking import Handshaker
from ulak.checks.dkim import with_crlf
from ulak.checks.dnsbl import Blocklist, read_codes
from ulak.delivery.tls import verifying
from ulak.diagnose import address, domain, message, sender
from ulak.diagnose.diagnosis import Check, Diagnosis
from ulak.diagnose.message import Envelope, Judged
from ulak.diagnose.patience import Patience
from ulak.dns.records import Resolver
from ulak.dns.resolver import DnsResolver
from ulak.policy.authentication import Findings, Rules, judge
from ulak.replies import catalog
from ulak.replies.reply import Reply

Server = tuple[str, int]

PATIENCE = 60.0  # seconds that a person waits for a diagnosis at most
LONGEST = 100_000_000  # octets of a message
# Of one question: a person would rather ask again than wait.
_TIMEOUT, _ATTEMPTS, _DEADLINE = 2.0, 2, 5.0


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a diagnosis of a domain goes beyond DNS.

    `fetch`: its policy of MTA-STS over HTTPS; `connect`: a handshake with each MX host; `private`:
    addresses of private networks, too.
    """

    fetch: bool = True
    connect: bool = False
    private: bool = False


REACH = Reach()


class TooLateError(Exception):
    """DNS kept a diagnosis waiting for too long."""


class TooLargeError(Exception):
    """A file is too large to be a message."""


def resolver_of(chosen: settings.Config, dns: Server | None) -> DnsResolver:
    """Make the resolver of a diagnosis. `dns` is the server to ask, None those configured."""
    return DnsResolver(
        [dns] if dns else [(s.host, s.port) for s in chosen.dns.servers],
        timeout=_TIMEOUT,
        attempts=_ATTEMPTS,
        deadline=_DEADLINE,
        trust_ad=chosen.dns.trust_ad,
    )


class Examiner:
    """Makes diagnoses. `dns` is the server to ask, None those of the configuration."""

    def __init__(
        self, chosen: settings.Config, dns: Server | None, *, https_port: int = 443
    ) -> None:
        self._chosen = chosen
        self._https_port = https_port
        self._dns = dns

    def ip(
        self, ip: str, zones: Sequence[str], greeting: str = "", *, known: bool = True
    ) -> Diagnosis:
        """Look an address up; `zones` are asked beside the lists of the configuration.

        With `known`, all lists that anybody may ask are asked too; `greeting` is a name for HELO.
        """
        lists = [
            *(Blocklist(one.zone, read_codes(one.codes), one.label) for one in self._dnsbl()),
            *map(Blocklist, zones),
        ]

        async def asked(resolver: Resolver) -> Diagnosis:
            own = await self._reputation(ip)
            made = await address.diagnose(
                resolver, ip=ip, zones=lists, greeting=greeting, known=known, gather=asyncio.gather
            )
            return made if own is None else replace(made, checks=(own, *made.checks))

        return self._run(asked)

    async def _reputation(self, ip: str) -> Check | None:
        """Tell what the server of the configuration knows itself; None where it counts nothing."""
        policy = self._chosen.policy
        if not (policy.greylist.on or policy.reputation.on):
            return None
        from ulak.app.greylisting import reputation_of  # noqa: PLC0415 -- few count; it is large

        return await reputation_of(self._chosen, ip, time.time())

    def domain(self, name: str, selectors: Sequence[str], reach: Reach = REACH) -> Diagnosis:
        """Look at what a domain publishes, and as far as `reach` says at its servers."""
        delivery, shake = self._chosen.delivery, None
        if reach.connect:
            shake = Handshaker(
                self._chosen.hostname,
                delivery.authorities,
                port=delivery.port,
                reach_private=reach.private,
            )

        def fetcher(resolver: Resolver) -> PolicyFetcher | None:
            if not reach.fetch:
                return None
            context = verifying(delivery.authorities)
            return PolicyFetcher(
                resolver, context, reach_private=reach.private, port=self._https_port
            )

        return self._run(
            lambda resolver: domain.diagnose(
                resolver,
                domain=name,
                selectors=selectors,
                gather=asyncio.gather,
                beyond=domain.Beyond(fetcher(resolver), shake, time.time(), listed=True),
            )
        )

    def spf(self, given: Envelope) -> Diagnosis:
        """Ask SPF."""
        return self._run(
            lambda resolver: sender.diagnose(
                resolver,
                ip=given.ip or "",
                helo=given.helo or "",
                mail_from=given.mail_from or "",
                now=time.time(),
                gather=asyncio.gather,
            )
        )

    def message(self, file: Path, given: Envelope) -> Diagnosis:
        """Check the message in a file."""
        if file.stat().st_size > LONGEST:
            raise TooLargeError(str(file))
        octets = with_crlf(file.read_bytes())
        return self._run(
            lambda resolver: message.diagnose(
                resolver,
                octets,
                name=file.name,
                given=given,
                now=time.time(),
                gather=asyncio.gather,
                answering=answer,
            )
        )

    def _dnsbl(self) -> Sequence[settings.Dnsbl]:
        return self._chosen.policy.dnsbl

    def _run(self, ask: Callable[[Resolver], Awaitable[Diagnosis]]) -> Diagnosis:
        async def asked() -> Diagnosis:
            resolver = resolver_of(self._chosen, self._dns)
            try:
                async with asyncio.timeout(PATIENCE):
                    return await ask(Patience(resolver))
            except TimeoutError as error:
                raise TooLateError from error
            finally:
                await resolver.close()

        return asyncio.run(asked())


def answer(judged: Judged) -> Reply | None:
    """Say what Ulak answers by default, as it does while it receives."""
    found = Findings(
        spf=judged.spf,
        dkim=judged.dkim,
        dmarc=judged.dmarc,
        arc=judged.arc,
        iprev=judged.iprev,
        helo=judged.helo,
        authors=judged.dmarc.authors,
    )
    verdict = judge(found, Rules(authserv_id=""))
    if verdict.reply is None and verdict.quarantine == catalog.DMARC_QUARANTINE.name:
        return catalog.DMARC_QUARANTINE.reply(domain=judged.dmarc.from_domain)
    return verdict.reply
