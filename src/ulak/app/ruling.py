"""By which rule mail waits, and where that was read, for those who look into the queue."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ulak.config.rules import DeliveryRule
from ulak.delivery.site.rollup import provider_of
from ulak.delivery.site.rules import Act, Rule, Rules, default
from ulak.queue.item import Pending, State
from ulak.replies.classify import classify
from ulak.replies.parse import parse

CONFIGURED = "configured"  # the name of every rule of the operator's


def rules_of(configured: Iterable[DeliveryRule]) -> Rules:
    """Give the operator's rules and the defaults."""
    return Rules(map(_rule, configured))


def origin(name: str) -> dict[str, object]:
    """Tell where a default for a provider was read; nothing where a rule is none of these."""
    rule = default(name)
    if rule is None or not rule.source:
        return {}
    return {"read": {"source": rule.source, "date": rule.date}}


def ruling(rules: Rules, pending: Pending) -> dict[str, object]:
    """Name the rule by which a recipient waits, and where it was read; nothing where none does."""
    if pending.state is not State.READY or not pending.attempts or not pending.cause:
        return {}
    host = pending.host.partition(" ")[0].lower()
    rule = _found(rules, pending.cause, pending.reply, host)
    if rule.act is Act.NONE or (rule.act is Act.RETRY and not rule.wait):
        return {}
    return {"rule": rule.name, **origin(rule.name)}


@lru_cache(1000)
def _found(rules: Rules, cause: str, reply: str, host: str) -> Rule:
    provider = provider_of((host,)) if host else None
    slug = "" if provider is None else provider.slug
    said = parse(reply)
    known = classify(said.code, said.enhanced, said.text, host=host)
    pattern = known.rule if known.cause == cause else ""
    return rules.find(cause, "" if provider is None or provider.apart else slug, slug, pattern)


def _rule(one: DeliveryRule) -> Rule:
    return Rule(
        CONFIGURED,
        Act(one.action),
        causes=frozenset(one.causes),
        families=frozenset(one.families),
        sites=frozenset(one.sites),
        wait=one.wait,
        longest=max(one.longest, one.wait),
        after=one.after,
    )
