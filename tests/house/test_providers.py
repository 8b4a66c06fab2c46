"""What is said of large providers has a page and a day, or says that nobody has found one."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit

import pytest
from tests.house.repository import ROOT

from ulak.delivery.site.page import FILE, page
from ulak.delivery.site.rollup import KNOWN, Provider, providers
from ulak.delivery.site.rules import Rule, defaults
from ulak.replies.patterns import book

RULES = [rule for rule in defaults() if rule.sites]
PATTERNS = {rule.identity for rule in book().rules}


def check(source: str, date: str) -> None:
    if source == KNOWN:
        assert date == ""
        return
    parts = urlsplit(source)
    assert parts.scheme in ("http", "https")
    assert parts.hostname
    assert dt.date.fromisoformat(date) >= dt.date(2026, 11, 27)


@pytest.mark.parametrize("provider", providers(), ids=lambda one: one.slug)
def test_a_provider_has_a_source_and_so_have_its_limits(provider: Provider) -> None:
    check(provider.source, provider.date)
    assert provider.hosts
    for host in provider.hosts:
        assert host == host.lower().strip("."), host
        assert "." in host
    limits = provider.limits
    if limits.connections or limits.messages:
        check(limits.source, limits.date)
        assert limits.says
    else:
        assert not limits.source


@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.name)
def test_a_rule_for_a_provider_has_a_source_and_names_patterns_that_there_are(rule: Rule) -> None:
    check(rule.source, rule.date)
    assert rule.says
    assert rule.patterns <= PATTERNS
    assert rule.causes | rule.families | rule.patterns


def test_providers_have_names_and_hosts_of_their_own_and_are_known_by_their_words() -> None:
    slugs = [provider.slug for provider in providers()]
    hosts = [host for provider in providers() for host in provider.hosts]
    assert len(slugs) == len(set(slugs))
    assert len(hosts) == len(set(hosts))
    assert set(slugs) - {"outlook"} <= book().providers.keys()  # which writes as Microsoft does


def test_the_rules_for_providers_come_first() -> None:
    assert list(defaults()[: len(RULES)]) == RULES


def test_the_page_is_fresh() -> None:
    assert (ROOT / "docs" / FILE).read_text("utf-8") == page(), "run `make docs`"
