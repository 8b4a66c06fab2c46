"""TLS of the MX hosts of a domain by a real handshake: what is offered, and whose certificate.

The handshake is somebody else's work (`Shake`); here it is judged.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cryptography import x509

from ulak.checks import dane, mta_sts
from ulak.checks.gather import Gather
from ulak.checks.reason import Reason, because
from ulak.diagnose import zonefile
from ulak.diagnose.diagnosis import Advice
from ulak.diagnose.domain.addresses import literal
from ulak.diagnose.domain.found import Found, found, made
from ulak.dns.records import Resolver

_SOON = 14.0  # days before the end of a certificate at which somebody should look
_DAY = 86_400.0
_SHOWN = 6  # names of a certificate


@dataclass(frozen=True, slots=True)
class Shaken:
    """What came of one handshake. Where `problem` is not empty, `stage` says where it happened.

    `chain` are the certificates as they came, DER, the server's first; `distrust` is why it leads
    to no authority that is believed here (`self-signed`, `unknown-authority`, `dates`, or what
    OpenSSL says), `""` where it does. `private`: the address was not
    asked, for it is one of a private network.
    """

    address: str
    banner: str = ""
    offered: bool = False
    stage: str = ""
    problem: str = ""
    private: bool = False
    version: str = ""
    cipher: str = ""
    chain: tuple[bytes, ...] = ()
    distrust: str = ""


Shake = Callable[[str, str], Awaitable[Shaken]]
"""Connects to an address and shakes hands for the name of a host."""


@dataclass(frozen=True, slots=True)
class _Certificate:
    names: tuple[str, ...]
    begins: float
    ends: float


async def look(resolver: Resolver, host: str, shake: Shake, now: float, gather: Gather) -> Found:
    """Connect to a host and judge its TLS; `now` is in seconds since the epoch."""
    if literal(host):
        return Found(())
    first, second, records = await gather(
        _addresses(resolver, host, "A"),
        _addresses(resolver, host, "AAAA"),
        _records(resolver, host),
    )
    addresses = (*first, *second)
    if not addresses:
        return Found(())  # which is said of the host already
    seen = await shake(host, str(addresses[0]))
    return judged(host, seen, tuple(r for r in records if isinstance(r, dane.Tlsa)), now)


async def _addresses(resolver: Resolver, host: str, kind: str) -> tuple[str | dane.Tlsa, ...]:
    return (await resolver.resolve(host, kind)).texts


async def _records(resolver: Resolver, host: str) -> tuple[str | dane.Tlsa, ...]:
    finding = await dane.check(resolver, host=host)
    return finding.records if finding.result is dane.Result.PUBLISHED else ()


def judged(host: str, seen: Shaken, records: tuple[dane.Tlsa, ...], now: float) -> Found:
    """Say what a handshake shows."""
    facts = {"address": seen.address, "banner": seen.banner, "version": seen.version}
    if seen.private:
        reason = because("starttls.private", host=host, address=seen.address)
        return found(made("starttls", host, "could-not-ask", "note", (reason,), facts))
    told = [because("starttls.banner", host=host, banner=seen.banner)] if seen.banner else []
    address, problem = seen.address, seen.problem
    if problem and not seen.offered:
        told.append(
            because(
                "starttls.unreachable",
                host=host,
                address=address,
                stage=seen.stage,
                problem=problem,
            )
        )
        return found(made("starttls", host, "could-not-ask", "note", told, facts))
    if not seen.offered:
        told.append(because("starttls.not-offered", host=host, address=address))
        check = made("starttls", host, "none", "warning", told, facts, "tls-unavailable")
        return found(check, Advice("starttls", {"host": host}))
    if problem:
        told.append(because("starttls.failed", host=host, address=address, problem=problem))
        check = made("starttls", host, "fail", "warning", told, facts, "tls-failed")
        return found(check, Advice("starttls", {"host": host}))
    told.append(because("starttls.encrypted", version=seen.version, cipher=seen.cipher))
    certificate = _read(seen.chain)
    if certificate is None:
        told.append(because("starttls.unreadable", host=host))
        return found(made("starttls", host, "fail", "warning", told, facts, "tls-unproven"))
    return _proven(host, seen, certificate, records, now, told, facts)


def _proven(
    host: str,
    seen: Shaken,
    certificate: _Certificate,
    records: tuple[dane.Tlsa, ...],
    now: float,
    told: list[Reason],
    facts: dict[str, str],
) -> Found:
    """Judge the certificate: its names, its dates, its chain, and DANE."""
    fits = any(mta_sts.matches(name, host) for name in certificate.names)
    shown = ", ".join(certificate.names[:_SHOWN]) or "-"
    if fits:
        told.append(because("starttls.name-fits", host=host, names=shown))
    else:
        told.append(because("starttls.name-other", host=host, names=shown))
    left = (certificate.ends - now) / _DAY
    date = dt.datetime.fromtimestamp(certificate.ends, dt.UTC).date().isoformat()
    current = certificate.begins <= now <= certificate.ends
    if not current:
        told.append(because("starttls.out-of-date", date=date))
    elif left < _SOON:
        told.append(because("starttls.ends-soon", date=date, days=int(left)))
    else:
        told.append(because("starttls.ends", date=date))
    if seen.distrust == "self-signed":
        told.append(because("starttls.self-signed", host=host))
    elif seen.distrust == "unknown-authority":
        told.append(because("starttls.unknown-authority", host=host))
    elif seen.distrust and (current or seen.distrust != "dates"):
        told.append(because("starttls.not-trusted", problem=seen.distrust))
    elif not seen.distrust:
        told.append(because("starttls.trusted", count=len(seen.chain)))
    steps: list[Advice] = []
    cause = "tls-unproven"
    well = fits and current and not seen.distrust
    severity = "warning" if not well else "note" if left < _SOON else "good"
    if records:
        match = dane.match(records, seen.chain, fits)
        if match is not None:
            told.append(because("dane.matches", host=host, record=match))
            severity = "good" if severity == "warning" and match.usage == 3 else severity  # noqa: PLR2004 -- DANE-EE: names, dates and authorities do not count (RFC 7672 §3.1.1)
        else:
            told.append(because("dane.matches-not", host=host))
            severity, cause = "critical", "dane-failed"
            name = f"_25._tcp.{host}"
            wanted = zonefile.line(name, "TLSA", str(dane.record_of(seen.chain[0])))
            steps.append(Advice("dane-record", {"host": host}, wanted))
    if severity == "warning":
        steps.append(Advice("certificate", {"host": host}))
    facts |= {"names": shown, "ends": date}
    check = made("starttls", host, "published", severity, told, facts, cause)
    return Found((check,), tuple(steps))


def _read(chain: tuple[bytes, ...]) -> _Certificate | None:
    """Read the server's certificate: its DNS names (RFC 6125 §6.4) and its dates."""
    try:
        certificate = x509.load_der_x509_certificate(chain[0])
        begins = certificate.not_valid_before_utc.timestamp()
        ends = certificate.not_valid_after_utc.timestamp()
    except (ValueError, IndexError, OverflowError):
        return None
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(extension.value.get_values_for_type(x509.DNSName))
    except (ValueError, x509.ExtensionNotFound):
        names = ()
    return _Certificate(tuple(name.lower() for name in names), begins, ends)
