"""What follows from a cause."""

from __future__ import annotations

import pytest

from ulak.delivery.site.rollup import providers, rollup
from ulak.delivery.site.rules import NOTHING, OF_SITES, Act, Rule, Rules, defaults
from ulak.replies.catalog import CATALOG

_FAMILIES = {cause.family for cause in CATALOG.values()}


def test_every_family_of_the_catalog_has_a_rule() -> None:
    ruled = {family for rule in defaults() if not rule.sites for family in rule.families}
    assert ruled == _FAMILIES


def test_rules_name_what_there_is_and_no_rule_is_named_twice() -> None:
    names = [rule.name for rule in defaults()]
    assert len(names) == len(set(names))
    known = {provider.slug for provider in providers()}
    for rule in defaults():
        assert rule.causes <= set(CATALOG), rule.name
        assert rule.families <= _FAMILIES, rule.name
        assert rule.sites <= known, rule.name
        assert bool(rule.sites) == bool(rule.source), rule.name
        if rule.act in OF_SITES:
            assert rule.wait > 0, rule.name
            assert rule.longest >= rule.wait, rule.name


def test_no_default_returns_mail_that_was_only_put_off() -> None:
    assert all(rule.act is not Act.BOUNCE for rule in defaults())


@pytest.mark.parametrize(
    ("cause", "act"),
    [
        ("sending-too-fast", Act.SLOW_DOWN),
        ("too-many-from-client", Act.FEWER),
        ("recipient-too-busy", Act.RETRY),
        ("listed-by-dnsbl", Act.SUSPEND),
        ("low-reputation-ip", Act.SUSPEND),
        ("low-reputation-domain", Act.RETRY),  # another sender may well be welcome
        ("greylisted", Act.SOON),
        ("mailbox-full", Act.RETRY),
        ("connection-failed", Act.PROBE),
        ("system-unavailable", Act.PROBE),
        ("internal-error", Act.RETRY),  # ours, not the site's
        ("no-such-mailbox", Act.NONE),
    ],
)
def test_causes_have_the_rules_that_are_meant_for_them(cause: str, act: Act) -> None:
    assert Rules().find(cause, "mx:mx.example:25").act is act


def test_the_operators_rules_come_first_and_hold_where_they_are_meant_to() -> None:
    own = Rule("ours", Act.NONE, causes=frozenset({"greylisted"}), sites=frozenset({"google"}))
    rules = Rules([own])
    assert rules.find("greylisted", "google") is own
    assert rules.find("greylisted", "elsewhere").act is Act.SOON
    everything = Rule("all", Act.NONE)
    assert Rules([everything]).find("greylisted", "google") is everything


def test_a_cause_that_nobody_knows_changes_nothing() -> None:
    assert Rules().find("no-such-cause", "x") is NOTHING


@pytest.mark.parametrize(
    ("hosts", "site"),
    [
        (["aspmx.l.google.com", "alt1.aspmx.l.google.com"], "google"),
        (["smtp.google.com"], "google"),
        (["example-com.mail.protection.outlook.com"], "microsoft"),
        (["outlook-com.olc.protection.outlook.com"], "outlook"),
        (["mta5.am0.yahoodns.net"], "yahoo"),
        (["mx01.mail.icloud.com"], "apple"),
        (["aspmx.l.google.com", "mx.example.org"], ""),
        (["aspmx.l.google.com", "mta5.am0.yahoodns.net"], ""),
        (["notgoogle.com"], ""),
        ([], ""),
    ],
)
def test_hosts_of_one_provider_are_one_site(hosts: list[str], site: str) -> None:
    assert rollup(hosts) == site
