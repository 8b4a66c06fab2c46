"""`check_host()`: a record applied to a client, each step with its reason (RFC 7208 §4 to §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ulak.checks.asking import not_answered
from ulak.checks.reason import because
from ulak.checks.spf import record as records
from ulak.checks.spf.finding import Result
from ulak.checks.spf.names import Names
from ulak.checks.spf.questions import MOST_NAMES, Questions, listed
from ulak.checks.spf.record import ASKING, Directive, Record
from ulak.checks.spf.sender import Sender, is_fit
from ulak.dns.records import Answer

_MISTAKES_TOLD = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation returned, and the record, its place and its term that decided."""

    result: Result
    domain: str = ""
    record: Record | None = None
    directive: Directive | None = None


class Evaluation:
    """One run of `check_host()` with all that it includes.

    The number of questions is bounded: by the terms that are counted, and ten names for each.
    """

    def __init__(self, questions: Questions, sender: Sender, names: Names) -> None:
        self._questions, self._sender, self._names = questions, sender, names
        self._reasons = questions.reasons

    async def run(self, domain: str, depth: int = 0) -> Outcome:
        """Evaluate the record of a domain. `depth` counts the includes and redirects above."""
        answer = await self._questions.ask(domain, "TXT")
        if answer.failed:
            self._reasons.append(not_answered(answer))
            return Outcome(Result.TEMPERROR, domain)
        texts = records.select(answer.records)
        if not texts:
            if answer.absent and not answer.records:
                self._reasons.append(because("spf.no-text", domain=domain, status=answer.status))
            else:
                self._reasons.append(because("spf.no-record", domain=domain))
            return Outcome(Result.NONE, domain)
        if len(texts) > 1:
            self._reasons.append(because("spf.several-records", domain=domain, count=len(texts)))
            return Outcome(Result.PERMERROR, domain)
        record = records.parse(texts[0])
        self._reasons.append(because("spf.record", domain=domain, record=record.text))
        if record.mistakes:
            self._reasons += [mistake.reason for mistake in record.mistakes[:_MISTAKES_TOLD]]
            if (more := len(record.mistakes) - _MISTAKES_TOLD) > 0:
                self._reasons.append(because("spf.more-mistakes", count=more, domain=domain))
            return Outcome(Result.PERMERROR, domain, record)
        outcome = await self._directives(domain, record, depth)
        if outcome is not None:
            return outcome
        if record.redirect is not None:  # and no `all`, which would have matched (§5.1)
            return await self._redirect(domain, record, depth)
        self._reasons.append(because("spf.end-of-record", domain=domain))
        return Outcome(Result.NEUTRAL, domain, record)

    # -- terms ------------------------------------------------------------------------------------

    async def _directives(self, domain: str, record: Record, depth: int) -> Outcome | None:
        """Try one mechanism after the other; None if none matches."""
        sender = self._sender
        others: list[str] = []  # networks that do not match, told in one sentence
        for directive in record.directives:
            network = directive.network
            if network is not None and not network.holds(sender.version, sender.number):
                others.append(directive.text)
                continue
            if others:
                self._tell_networks(domain, others)
                others = []
            if network is not None or directive.name == "all":
                matched: bool | Result = True
            else:
                matched = await self._asking(domain, directive, depth)
            if isinstance(matched, Result):
                return Outcome(matched, domain, record, directive)
            if matched:
                self._reasons.append(
                    because(
                        "spf.matched", term=directive.text, domain=domain, result=directive.result
                    )
                )
                return Outcome(directive.result, domain, record, directive)
        if others:
            self._tell_networks(domain, others)
        return None

    def _tell_networks(self, domain: str, terms: Sequence[str]) -> None:
        self._reasons.append(
            because(
                "spf.networks-other",
                terms=listed(terms),
                count=len(terms),
                domain=domain,
                ip=self._sender.ip,
            )
        )

    async def _asking(self, domain: str, directive: Directive, depth: int) -> bool | Result:
        """Try a mechanism that asks DNS. A result is what stops everything."""
        assert directive.name in ASKING  # noqa: S101 -- no other is read as a directive
        if not self._questions.count(directive.text, domain):
            return Result.PERMERROR
        lookup = self._questions.lookups
        name = await self._names.expand(directive.target, domain)
        if isinstance(name, Result):
            return name
        if name is None:
            self._reasons.append(because("spf.no-such-name", term=directive.text, domain=domain))
            # A record that cannot be is as one that is missing, and an include of that is an error
            # (§5.2); but what a local-part beyond ASCII makes never matches (RFC 8616 §4).
            if directive.name == "include" and not self._names.beyond_ascii(directive.target):
                return Result.PERMERROR
            return False
        match directive.name:
            case "include":
                return await self._include(domain, directive, name, depth)
            case "a":
                return await self._a(domain, directive, name, lookup)
            case "mx":
                return await self._mx(domain, directive, name, lookup)
            case "exists":
                return await self._exists(domain, directive, name, lookup)
            case _:
                return await self._ptr(domain, directive, name, lookup)

    async def _include(
        self, domain: str, directive: Directive, name: str, depth: int
    ) -> bool | Result:
        self._reasons.append(
            because(
                "spf.include",
                term=directive.text,
                domain=domain,
                target=name,
                lookup=self._questions.lookups,
                depth=depth + 1,
            )
        )
        outcome = await self.run(name, depth + 1) if is_fit(name) else self._unfit(name)
        if outcome.result is Result.NONE:
            self._reasons.append(
                because("spf.include-without-record", term=directive.text, domain=domain)
            )
            return Result.PERMERROR
        if outcome.result in (Result.TEMPERROR, Result.PERMERROR):
            return outcome.result
        if outcome.result is Result.PASS:
            return True
        self._reasons.append(
            because(
                "spf.include-no-match",
                term=directive.text,
                domain=domain,
                target=name,
                result=outcome.result,
            )
        )
        return False

    async def _redirect(self, domain: str, record: Record, depth: int) -> Outcome:
        assert record.redirect is not None  # noqa: S101 -- only called with one
        term = record.redirect.text
        if not self._questions.count(term, domain):
            return Outcome(Result.PERMERROR, domain, record)
        name = await self._names.expand(record.redirect.value, domain)
        if isinstance(name, Result):
            return Outcome(name, domain, record)
        if name is None:
            self._reasons.append(because("spf.no-such-name", term=term, domain=domain))
            return Outcome(Result.PERMERROR, domain, record)
        self._reasons.append(
            because(
                "spf.redirect",
                term=term,
                domain=domain,
                target=name,
                lookup=self._questions.lookups,
                depth=depth + 1,
            )
        )
        outcome = await self.run(name, depth + 1) if is_fit(name) else self._unfit(name)
        if outcome.result is Result.NONE:
            self._reasons.append(because("spf.redirect-without-record", term=term, domain=domain))
            return replace(outcome, result=Result.PERMERROR)
        return outcome

    async def _a(self, domain: str, directive: Directive, name: str, lookup: int) -> bool | Result:
        answer = await self._questions.ask(name, self._sender.kind)
        if (stop := self._questions.stopped(answer, directive.text, domain)) is not None:
            return stop
        return self._compare(domain, directive, (answer,), lookup)

    async def _mx(self, domain: str, directive: Directive, name: str, lookup: int) -> bool | Result:
        answer = await self._questions.ask(name, "MX")
        if (stop := self._questions.stopped(answer, directive.text, domain)) is not None:
            return stop
        if len(answer.exchanges) > MOST_NAMES:
            self._reasons.append(
                because(
                    "spf.too-many-mx",
                    term=directive.text,
                    domain=domain,
                    name=name,
                    count=len(answer.exchanges),
                )
            )
            return Result.PERMERROR
        ordered = sorted(answer.exchanges, key=lambda mx: (mx.preference, mx.exchange))
        hosts = list(dict.fromkeys(mx.exchange for mx in ordered if mx.exchange))
        answers = await self._questions.ask_all(hosts, self._sender.kind)
        # What matches decides, whatever the others could not say: the order of hosts is no matter.
        matched = self._compare(domain, directive, answers, lookup)
        failed = next((answer for answer in answers if answer.failed), None)
        if matched or failed is None:
            return matched
        self._reasons.append(not_answered(failed))
        return Result.TEMPERROR

    async def _exists(
        self, domain: str, directive: Directive, name: str, lookup: int
    ) -> bool | Result:
        answer = await self._questions.ask(name, "A")
        if (stop := self._questions.stopped(answer, directive.text, domain)) is not None:
            return stop
        matched = bool(answer.texts)
        if matched:
            self._reasons.append(
                because(
                    "spf.exists",
                    term=directive.text,
                    domain=domain,
                    name=name,
                    lookup=lookup,
                    addresses=listed(answer.texts),
                )
            )
        return matched

    async def _ptr(
        self, domain: str, directive: Directive, name: str, lookup: int
    ) -> bool | Result:
        answer, validated = await self._names.own()
        # A question for PTR records that fails is none that found nothing, and no error (§5.5).
        if answer.absent:
            stop = self._questions.stopped(answer, directive.text, domain)
            assert stop is not None  # noqa: S101 -- an absent answer stops
            return stop
        if answer.failed:
            self._reasons.append(not_answered(answer))
        within = [v for v in validated if v == name or v.endswith(f".{name}")]
        self._reasons.append(
            because(
                "spf.ptr",
                term=directive.text,
                domain=domain,
                lookup=lookup,
                ip=self._sender.ip,
                names=listed(validated),
                target=name,
            )
        )
        return bool(within)

    def _compare(
        self, domain: str, directive: Directive, answers: Sequence[Answer], lookup: int
    ) -> bool:
        """Compare the client with the addresses in some answers, to the prefix length."""
        sender = self._sender
        length = directive.lengths[0 if sender.kind == "A" else 1]
        for answer in answers:
            if sender.holds(answer.texts, length):
                self._reasons.append(
                    because(
                        "spf.addresses-match",
                        term=directive.text,
                        domain=domain,
                        name=answer.name,
                        ip=sender.ip,
                        lookup=lookup,
                    )
                )
                return True
        self._reasons.append(
            because(
                "spf.addresses-other",
                term=directive.text,
                domain=domain,
                names=listed([answer.name for answer in answers]),
                addresses=listed([text for answer in answers for text in answer.texts]),
                ip=sender.ip,
                lookup=lookup,
            )
        )
        return False

    def _unfit(self, name: str) -> Outcome:
        self._reasons.append(because("spf.not-a-domain", name=name))
        return Outcome(Result.NONE, name)
