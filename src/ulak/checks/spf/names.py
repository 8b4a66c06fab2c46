"""The names that terms ask for, and those of the client itself (RFC 7208 §5.5, §7)."""

from __future__ import annotations

from ulak.checks.spf.finding import Result
from ulak.checks.spf.macros import MacroString, Values
from ulak.checks.spf.questions import MOST_NAMES, Questions
from ulak.checks.spf.sender import Sender
from ulak.dns.names import to_ascii
from ulak.dns.records import Answer


class Names:
    """Makes names for one sender. `receiver` and `now` are what `r` and `t` give (§7.3)."""

    def __init__(self, questions: Questions, sender: Sender, receiver: str, now: float) -> None:
        self._questions, self._sender = questions, sender
        self._receiver, self._now = receiver, now
        self._own: tuple[Answer, tuple[str, ...]] | None = None

    async def expand(
        self, target: MacroString | None, domain: str, *, counted: bool = True
    ) -> str | Result | None:
        """Give the name that a domain-spec stands for in a record of `domain`.

        None where there can be no such name; a result where finding it took a look-up too many.
        """
        if target is None:
            return domain
        if not target.letters:
            return to_ascii(target.name({})) or None
        if self.beyond_ascii(target):
            return None
        values = await self.values(target, domain, counted=counted)
        return values if isinstance(values, Result) else to_ascii(target.name(values)) or None

    async def values(self, target: MacroString, domain: str, *, counted: bool) -> Values | Result:
        """Give what the letters of a string stand for in a record of `domain`."""
        validated = ""
        if "p" in target.letters:
            # The PTR records of a macro are among the ten look-ups (§4.6.4); in an explanation,
            # which comes after the evaluation, they are not.
            if counted and self._own is None and not self._questions.count(target.text, domain):
                return Result.PERMERROR
            validated = self._shown((await self.own())[1], domain)
        return self._sender.values(domain, self._receiver, self._now, validated)

    def beyond_ascii(self, target: MacroString | None) -> bool:
        """Whether a target is made of a local-part that no label can have (RFC 8616 §4)."""
        return (
            target is not None
            and not target.letters.isdisjoint("sl")
            and not self._sender.local_part.isascii()
        )

    async def own(self) -> tuple[Answer, tuple[str, ...]]:
        """Give the PTR records of the client, and which of them lead back to it (§5.5).

        A question that fails only leaves its name out: these records are the client's.
        """
        if self._own is None:
            sender = self._sender
            answer = await self._questions.ask(sender.reverse_name, "PTR")
            names = list(dict.fromkeys(answer.texts))[:MOST_NAMES]
            found = await self._questions.ask_all(names, sender.kind)
            pairs = zip(names, found, strict=True)
            self._own = (
                answer,
                tuple(name for name, its in pairs if sender.holds(its.texts, sender.width)),
            )
        return self._own

    @staticmethod
    def _shown(names: tuple[str, ...], domain: str) -> str:
        """Choose among validated names: the domain, what is below it, any (§7.3, `p`)."""
        if domain in names:
            return domain
        within = [name for name in names if name.endswith(f".{domain}")]
        return next(iter([*within, *names]), "unknown")
