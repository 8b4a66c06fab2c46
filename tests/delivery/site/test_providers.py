"""From a provider's MX hosts to its site, from its words to what follows, and until when."""

from __future__ import annotations

import pytest
from tests.delivery.site.said import SAID, Said

from ulak.delivery.site.pace import Rate
from ulak.delivery.site.rollup import provider_of, providers, rollup
from ulak.delivery.site.rules import OF_SITES, Act, Rule, Rules, default, defaults
from ulak.delivery.site.site import Site
from ulak.delivery.site.sites import Bounds, Limit, Sites
from ulak.delivery.site.terms import Sign
from ulak.delivery.site.window import Learning
from ulak.replies.classify import Classified, classify
from ulak.replies.parse import parse

ACTS = {rule.name: rule.act for rule in defaults()}
NOON = 1_793_707_200.0
_IDS = [f"{said.provider}-{said.rule}-{number}" for number, said in enumerate(SAID)]


def classified(said: Said) -> Classified:
    reply = parse(said.reply)
    return classify(reply.code, reply.enhanced, reply.text, host=f"{said.hosts[0]} [192.0.2.9]:25")


def site_of(said: Said, bounds: Bounds | None = None) -> Site:
    return Sites(bounds).of(said.site or "mx:" + ",".join(said.hosts), said.hosts)


def rule_for(said: Said, rules: Rules | None = None) -> Rule:
    found, site = classified(said), site_of(said)
    return (rules or Rules()).find(found.cause, site.name, site.provider, found.rule)


@pytest.mark.parametrize("said", SAID, ids=_IDS)
def test_a_providers_words_lead_to_its_site_the_cause_and_the_rule(said: Said) -> None:
    assert rollup(said.hosts) == said.site
    provider = provider_of(said.hosts)
    assert provider is not None
    assert provider.slug == said.provider
    assert classified(said).cause == said.cause
    rule = rule_for(said)
    assert rule.name == said.rule


@pytest.mark.parametrize("said", [said for said in SAID if ACTS[said.rule] in OF_SITES])
def test_a_site_waits_as_its_rule_says_and_longer_each_time(said: Said) -> None:
    rule = rule_for(said)
    terms = site_of(said).of("")
    now, waits = NOON, []
    for _ in range(10):  # one attempt, and then a probe each time that the suspension is over
        assert terms.wait(now) is None
        terms.begin(now)
        terms.badly(now, now, Sign(rule, said.cause, said.reply, said.hosts[0]))
        terms.window.end()
        suspension = terms.suspension
        assert suspension is not None
        assert suspension.rule == said.rule
        waits.append(suspension.until - now)
        now = suspension.until
    assert waits[0] == rule.wait
    assert waits == sorted(waits)
    assert waits[-1] == rule.longest
    terms.begin(now)
    terms.well(now + 1, 1)
    assert terms.suspension is None


def test_every_provider_and_every_rule_for_one_is_in_what_is_said() -> None:
    assert {said.provider for said in SAID} == {provider.slug for provider in providers()}
    assert {r.name for r in defaults() if r.sites} <= {said.rule for said in SAID}


def _first(rule: str) -> Said:
    return next(said for said in SAID if said.rule == rule)


def test_the_operators_rule_comes_before_that_for_a_provider() -> None:
    said = _first("yahoo-deferred")
    own = Rule("configured", Act.RETRY, causes=frozenset({said.cause}), sites=frozenset({"yahoo"}))
    assert rule_for(said, Rules([own])) is own
    apart = _first("mimecast-greylisted")
    own = Rule("configured", Act.NONE, sites=frozenset({"mimecast"}))
    assert rule_for(apart, Rules([own])) is own


def test_the_rule_of_a_provider_holds_nowhere_else() -> None:
    said = _first("orange-refused")
    found = classified(said)
    assert Rules().find(found.cause, "mx:mx.example:25", "", found.rule).name == "user-complaints"
    assert Rules().find(found.cause, "google", "google", found.rule).name == "user-complaints"


def test_a_default_is_found_by_its_name() -> None:
    found = default("yahoo-deferred")
    assert found is not None
    assert found.sites == {"yahoo"}
    assert default("configured") is None


@pytest.mark.parametrize(
    ("hosts", "usual", "limits", "most"),
    [
        (("smtp-in.orange.fr",), 20, {}, 2),
        (("SMTP-IN.Orange.fr.",), 20, {}, 2),
        (("smtp-in.orange.fr",), 1, {}, 1),
        (("smtp-in.orange.fr",), 20, {"*.orange.fr": Limit(6)}, 6),
        (("smtp-in.orange.fr",), 20, {"*.orange.fr": Limit(rate=Rate(1, 1))}, 2),
        (("eu-smtp-inbound-1.mimecast.com", "eu-smtp-inbound-2.mimecast.com"), 20, {}, 10),
        (("outlook-com.olc.protection.outlook.com",), 20, {}, 20),
        (("aspmx.l.google.com",), 20, {}, 20),
        (("smtp-in.orange.fr", "mx.example.org"), 20, {}, 20),
    ],
)
def test_a_site_has_no_more_connections_than_its_provider_names_or_the_operator_says(
    hosts: tuple[str, ...], usual: int, limits: dict[str, Limit], most: int
) -> None:
    bounds = Bounds(Learning(most=usual), limits)
    site = Sites(bounds).of(rollup(hosts) or "mx", hosts)
    assert site.of("").window.ceiling == most


def test_customers_who_stand_apart_are_sites_of_their_own() -> None:
    names = [("mx0a-1.pphosted.com",), ("mx0a-2.pphosted.com",)]
    assert [rollup(hosts) for hosts in names] == ["", ""]
    assert {provider.slug for hosts in names if (provider := provider_of(hosts))} == {"proofpoint"}
