"""Which policy decides about TLS with a host, and what it demands of a session.

In this order: what the operator says of the destination; DANE, where the records of the host can
be used (RFC 7672); the domain's policy of MTA-STS, which never stands over DANE (RFC 8461 §2); and
else TLS where the host offers it. A message with REQUIRETLS wants proof whatever the others say
(RFC 8689 §4.2.1).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from ulak.checks import mta_sts
from ulak.checks.mta_sts import Mode
from ulak.delivery.byname import ByName
from ulak.delivery.demands import Demands
from ulak.delivery.target import Host, Target, Told
from ulak.delivery.tls import opportunistic
from ulak.delivery.transport.policy import Dane, Sts

_MOST_SHOWN = 3  # records in a fact


class Deciding:
    """Makes demands. `usual` is the context of TLS that proves nothing, None where there is none.

    `proven` makes the one that wants a valid certificate; `smarthosts` has the demands on servers
    that the operator sends mail to, and `wishes` what the operator says of destinations: one of
    `opportunistic`, `encrypt`, `verify`, `dane`, `mta-sts` and `off`. `dane`, `mta_sts`: whether
    they hold where the operator says nothing.
    """

    def __init__(
        self,
        usual: ssl.SSLContext | None,
        proven: Callable[[], ssl.SSLContext],
        smarthosts: Mapping[tuple[str, int], Demands],
        wishes: ByName[str],
        *,
        dane: bool = True,
        mta_sts: bool = True,
    ) -> None:
        self._make_proven = proven
        self._context = usual
        self._smarthosts = smarthosts
        self._wishes = wishes
        self._usual = Demands(tls=usual)
        self._dane, self._mta_sts = dane, mta_sts

    def demands(self, target: Target, host: Host, *, strict: bool) -> Demands:
        """Say what a session has to be. `strict`: as RFC 8689 §4.2.1 has it."""
        # Only where the operator sends mail there: MX records could name a smart host as well.
        if self._smarthosts and target.told is Told.OPERATOR:
            found = self._smarthosts.get((host.name, host.port))
            if found is not None:
                return self._strictly(found) if strict else found
        if strict:
            return self._proof(target, host)
        if self._wishes:
            said = self._wishes.of(target.domain, host.name)
            if said is not None:
                return self._wished(target, host, *said)
        dane = host.dane if self._dane else None
        sts = target.sts if self._mta_sts else None
        if (dane is None and sts is None) or self._context is None:
            return self._usual
        if dane is not None and (dane.records or dane.problem):
            return self._by_dane(target, host, dane)
        if dane is None:
            if sts is None or sts.mode is Mode.NONE:
                return replace(self._usual, sts=sts)
            return self._by_sts(sts, host)
        if sts is not None and sts.binding:
            return self._by_sts(sts, host)
        # RFC 7672 §2.2: TLS there has to be; a policy that is only tested takes nothing from that.
        told = {"tls-policy": "dane-unusable", "tlsa-host": dane.base}
        return replace(self._encrypted, told=told, dane=dane, fault="tlsa-invalid")

    # -- what the operator says ---------------------------------------------------------------

    def _wished(self, target: Target, host: Host, name: str, wish: str) -> Demands:
        told = {"tls-policy": "destination", "tls-for": name, "tls-wish": wish}
        match wish:
            case "off":
                return Demands("in clear", told=told)
            case "opportunistic":
                return replace(self._opportunistic, told=told)
            case "encrypt":
                return replace(self._encrypted, told=told)
            case "dane":
                if host.dane is not None and (host.dane.records or host.dane.problem):
                    demands = self._by_dane(target, host, host.dane)
                    return replace(demands, told={**demands.told, **told})
                problem = f"it has no signed TLSA records, which {name} needs here"
                fault = "dane-required"
            case "mta-sts":
                if target.sts is not None and target.sts.mode is not Mode.NONE:
                    demands = self._by_sts(replace(target.sts, mode=Mode.ENFORCE), host)
                    return replace(demands, told={**demands.told, **told})
                problem = f"its domain has no policy of MTA-STS, which {name} needs here"
                fault = "sts-policy-fetch-error"
            case _:
                return replace(self._verified, told=told)
        return replace(self._verified, skip=problem, fault=fault, told=told, dane=host.dane)

    # -- what the domain says -----------------------------------------------------------------

    def _by_dane(self, target: Target, host: Host, dane: Dane) -> Demands:
        shown = "; ".join(str(record) for record in dane.records[:_MOST_SHOWN])
        told = {"tls-policy": "dane", "tlsa-host": dane.base}
        if shown:
            told["tlsa"] = shown
        if dane.heard:
            told["resolver"] = dane.heard
        names: tuple[str, ...] = (dane.base, host.name)
        name = f"dane {dane.base}"
        if dane.anchored and target.domain:  # the names of a certificate count only then
            names = (*names, target.domain, target.expanded)
            name = f"{name} for {target.domain}"
        return Demands(
            name,
            self._anything,
            required=True,
            dane=dane,
            names=tuple(filter(None, dict.fromkeys(names))),
            skip=dane.problem,
            fault="dnssec-invalid" if dane.problem else "",
            told=told,
        )

    def _by_sts(self, sts: Sts, host: Host) -> Demands:
        told = {"tls-policy": f"mta-sts-{sts.mode}", "sts-domain": sts.domain, "sts-id": sts.id}
        if sts.problem:
            told["sts-problem"] = sts.problem
        allowed = any(mta_sts.matches(pattern, host.name) for pattern in sts.mx)
        problem = "" if allowed else f"the policy of {sts.domain} (MTA-STS) does not name it"
        if sts.binding:
            fault = "" if allowed else "validation-failure"
            return replace(self._verified, skip=problem, fault=fault, told=told, sts=sts)
        if problem:
            told["sts-failed"] = problem
            fault = "validation-failure"
            return replace(self._opportunistic, told=told, sts=sts, fault=fault)
        return Demands(
            "mta-sts testing", self._anything, trial=self._verified.tls, told=told, sts=sts
        )

    # -- what a message says ------------------------------------------------------------------

    def leniently(self, demands: Demands) -> Demands:
        """Let a message that says that TLS is no condition go past a policy (RFC 8689 §4.1).

        So reports of TLS that fails reach those who have asked for them.
        """
        told = {"tls-policy": "tls-required-no", "tls-set-aside": demands.told["tls-policy"]}
        return replace(self._opportunistic, told=told)

    def _proof(self, target: Target, host: Host) -> Demands:
        """Demand proof by DANE, or by a valid certificate (RFC 8689 §4.2.1)."""
        if host.dane is not None and (host.dane.records or host.dane.problem):
            found = self._by_dane(target, host, host.dane)
            return self._strictly(found)
        if target.sts is not None and target.sts.binding:
            found = self._by_sts(target.sts, host)
            return replace(self._strict, skip=found.skip, told=found.told, sts=target.sts)
        return self._strict

    def _strictly(self, found: Demands) -> Demands:
        tls = found.tls if found.required else self._strict.tls
        return replace(found, name=f"{found.name} proven", tls=tls, required=True, strict=True)

    @cached_property
    def _strict(self) -> Demands:
        told = {"tls-policy": "requiretls"}
        return Demands("proven", self._make_proven(), required=True, strict=True, told=told)

    @cached_property
    def _verified(self) -> Demands:
        context = self._make_proven()
        context.hostname_checks_common_name = False  # RFC 8461 §4.2
        return Demands("valid", context, required=True)

    @cached_property
    def _encrypted(self) -> Demands:
        return Demands("encrypted", self._anything, required=True)

    @cached_property
    def _opportunistic(self) -> Demands:
        return Demands("", self._anything)

    @cached_property
    def _anything(self) -> ssl.SSLContext:
        return self._context or opportunistic()
