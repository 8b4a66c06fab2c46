"""Whether the chain of a message holds (RFC 8617 §5.2), with the reason for each step."""

from __future__ import annotations

import hmac
from dataclasses import replace

from ulak.checks.arc.chain import MESSAGE, SEAL, Chain, Link, collect
from ulak.checks.arc.finding import ArcSet, Finding, Result
from ulak.checks.dkim import key, signature, tags
from ulak.checks.dkim.canonical import Form
from ulak.checks.dkim.finding import Limits
from ulak.checks.dkim.finding import Result as Fails
from ulak.checks.dkim.hashing import BodyHashes
from ulak.checks.dkim.header import SignedHeader
from ulak.checks.dkim.key import Fault
from ulak.checks.dkim.signature import Signature
from ulak.checks.gather import Gather, one_by_one
from ulak.checks.reason import Reason, because
from ulak.dns.records import Answer, Resolver
from ulak.mail import message as mail

LIMITS = Limits()
_ANY_HASH = "AA=="


async def verify(
    resolver: Resolver,
    message: bytes,
    *,
    now: float,
    gather: Gather = one_by_one,
    limits: Limits = LIMITS,
) -> Finding:
    """Verify the chain of a message with CRLF line ends; `now` is in seconds since 1970."""
    header, body = mail.split(message)
    reading = Reading(header, now=now, limits=limits)
    reading.feed(body)
    return await reading.judge(resolver, gather=gather)


class Reading:
    """Verifies a message that comes in pieces: its header, chunks of its body, then judgement.

    `header` is all before the empty line; what is fed begins after it. The body of a message
    without a chain is not looked at.
    """

    __slots__ = ("_bodies", "_chain", "_header", "_limits", "_messages", "_seals")

    def __init__(self, header: bytes, *, now: float, limits: Limits = LIMITS) -> None:
        self._limits = limits
        sealed = b"\narc-" in b"\n" + header.lower()
        self._header = SignedHeader(header if sealed else b"")
        self._chain = collect(self._header, limits)
        links = self._chain.links if self._chain.fault is None else ()
        self._messages = [_message(link, now, limits) for link in links]
        self._seals = [_seal(link, now, limits) for link in links]
        self._bodies = BodyHashes(
            (one.body_form, one.length) for one in self._messages if one.fault is None
        )

    @property
    def chain(self) -> Chain:
        """The sets, as far as they can be read without DNS."""
        return self._chain

    def feed(self, chunk: bytes) -> None:
        """Take octets of the body, in pieces of any size."""
        self._bodies.feed(chunk)

    async def judge(self, resolver: Resolver, *, gather: Gather = one_by_one) -> Finding:
        """Say that the body is at its end, ask for the keys, and judge. Only once."""
        self._bodies.finish()
        chain = self._chain
        if chain.empty:
            return Finding(Result.NONE, reasons=(because("arc.none"),))
        sets = tuple(
            ArcSet(link.instance, link.seal.get("cv", ""), seal.domain, seal.selector, link.payload)
            for link, seal in zip(chain.links, self._seals, strict=False)
        )
        if chain.fault is not None:
            return Finding(Result.FAIL, chain.highest, sets, reasons=(chain.fault,))
        wanted = (*reversed(self._messages), *reversed(self._seals))
        questions = list(dict.fromkeys(one.question for one in wanted if one.fault is None))
        given = await gather(*(resolver.resolve(name, "TXT") for name in questions))
        judgement = _Judgement(
            self._header,
            chain,
            self._bodies,
            dict(zip(questions, given, strict=True)),
            self._limits,
        )
        result, oldest = judgement.judge(self._messages, self._seals)
        return Finding(
            result,
            chain.highest,
            sets,
            oldest,
            judgement.unsure,
            tuple(judgement.reasons),
            tuple(given),
        )


class _Judgement:
    """The steps from the keys to the result. `reasons` grow with each."""

    __slots__ = ("_answers", "_bodies", "_chain", "_header", "_limits", "reasons", "unsure")

    def __init__(
        self,
        header: SignedHeader,
        chain: Chain,
        bodies: BodyHashes,
        answers: dict[str, Answer],
        limits: Limits,
    ) -> None:
        self._header, self._chain, self._bodies = header, chain, bodies
        self._answers, self._limits = answers, limits
        self.reasons: list[Reason] = []
        self.unsure = False

    def judge(self, messages: list[Signature], seals: list[Signature]) -> tuple[Result, int | None]:
        """Take steps 4 to 7; the second value is the oldest-pass."""
        *older, newest = self._chain.links
        why = self._message(newest, messages[-1])
        if why:
            self._note(why, because("arc.message-fails", instance=newest.instance))
            return Result.FAIL, None
        self.reasons.append(
            because("arc.message-fits", instance=newest.instance, domain=messages[-1].domain)
        )
        if "from" not in messages[-1].names:
            self.reasons.append(because("arc.from-not-signed", instance=newest.instance))
        oldest = 0
        for link in reversed(older):
            why = self._message(link, messages[link.instance - 1])
            if why:  # the message was changed since, which intermediaries do (step 5, A)
                oldest = link.instance + 1
                self.reasons += [*why, because("arc.message-changed", instance=link.instance)]
                break
        for link in reversed(self._chain.links):
            seal = seals[link.instance - 1]
            why = self._seal(link, seal)
            if why:
                self._note(why, because("arc.seal-fails", instance=link.instance))
                return Result.FAIL, None
            self.reasons.append(
                because(
                    "arc.seal-fits",
                    instance=link.instance,
                    domain=seal.domain,
                    selector=seal.selector,
                )
            )
        self.reasons.append(because("arc.passes", count=newest.instance))
        return Result.PASS, oldest

    def _note(self, why: list[Reason], then: Reason) -> None:
        self.reasons += [*why, then]
        self.unsure = any(reason.key == "dns.failed" for reason in why)

    def _message(self, link: Link, one: Signature) -> list[Reason]:
        """Say why an ARC-Message-Signature does not hold; nothing if it does."""
        if one.fault is not None:
            return [one.fault.reason]
        digest = self._bodies.digest(one.body_form, one.length)
        if digest is None:
            total = self._bodies.total(one.body_form)
            return [because("dkim.length-beyond", length=one.length, octets=total)]
        chosen = self._header.selected(one.names, link.message_at)
        signed = self._header.signing(chosen, link.message_at, one.header_form)
        why = self._unsigned(one, signed)
        if not hmac.compare_digest(digest, one.body_hash):
            why.append(because("dkim.body-differs"))
        # As with DKIM (RFC 6376 §8.15): a From that nobody signed may be the one that is shown.
        # Where none is signed, the sealer has not cared for it, and what it says is taken as it is.
        unsigned = len(set(self._header.places(b"from")) - set(chosen))
        if unsigned and "from" in one.names:
            why.append(because("dkim.other-from", count=unsigned))
        return why

    def _seal(self, link: Link, one: Signature) -> list[Reason]:
        """Say why an ARC-Seal does not hold; nothing if it does."""
        if one.fault is not None:
            return [one.fault.reason]
        covered = self._chain.sealed(link.instance)
        return self._unsigned(one, self._header.signing(covered, link.seal_at, Form.RELAXED))

    def _unsigned(self, one: Signature, signed: bytes) -> list[Reason]:
        """Hold a signature against the keys that DNS has for it."""
        records = key.records(self._answers[one.question], one.algorithm, self._limits)
        if isinstance(records, Fault):
            return [records.reason]
        keys = [record.key for record in records]
        if any(not isinstance(k, Fault) and k.fits(one.octets, signed) for k in keys):
            return []
        if isinstance(keys[0], Fault):
            return [keys[0].reason]
        return [because("dkim.header-differs")]


def _message(link: Link, now: float, limits: Limits) -> Signature:
    """Read what is a DKIM-Signature but for `v=`, which is ignored, and `i=` (§4.1.2).

    In two things this follows what is met, and the public test suite, more than RFC 6376: without
    c= the form is relaxed, and h= need not name From or anything.
    """
    found = {tag: text for tag, text in link.message.items() if tag not in ("v", "i")}
    names = tuple(name for name in tags.listed(found.get("h", "")) if name)
    fixed = {"v": "1"}
    if "c" not in found:
        fixed["c"] = "relaxed/relaxed"
    if "h" in found:
        fixed["h"] = "from"
    one = signature.read_tags(found | fixed, now, limits, f"{MESSAGE} {link.instance}")
    if one.fault is None and SEAL.lower() in names:  # §4.1.2: it MUST NOT
        reason = because("arc.seal-signed", instance=link.instance)
        return replace(one, fault=Fault(Fails.PERMERROR, reason))
    return replace(one, names=names)


def _seal(link: Link, now: float, limits: Limits) -> Signature:
    """Read what is a DKIM-Signature of no body and of fields that are not named (§4.1.3)."""
    found = {tag: text for tag, text in link.seal.items() if tag in ("a", "b", "d", "s", "t")}
    fixed = {"v": "1", "c": "relaxed/simple", "h": "from", "bh": _ANY_HASH}
    return signature.read_tags(found | fixed, now, limits, f"{SEAL} {link.instance}")
