"""What is remembered of sites, and what is configured for them."""

from __future__ import annotations

from ulak.delivery.acting import _rate
from ulak.delivery.site.grant import Grant
from ulak.delivery.site.pace import Rate
from ulak.delivery.site.share import Member
from ulak.delivery.site.shared import Kept
from ulak.delivery.site.sites import Bounds, Limit, Sites
from ulak.delivery.site.suspension import Reason, Suspension
from ulak.delivery.site.window import Learning
from ulak.replies.classify import classify

SUSPENSION = Suspension(Reason.DEAD, "c", "r", "h", "rule", 0.0, 600.0, 600.0)


def test_what_is_configured_for_a_host_or_the_end_of_its_name_holds_for_its_site() -> None:
    limits = {"mx.example.net": Limit(1), "*.example.net": Limit(2), "*.google.com": Limit(30)}
    sites = Sites(Bounds(Learning(3, 20), limits))
    for name, host, most in (
        ("a", "mx.example.net", 1),
        ("b", "mx2.example.net", 2),
        ("c", "example.net", 20),
        ("google", "aspmx.l.google.com", 30),
    ):
        assert sites.of(name, [host]).of("").window.ceiling == most


def test_a_configured_pace_is_one_for_all_workers() -> None:
    limits = {"mx.example.net": Limit(rate=Rate(60, 60.0))}
    sites = Sites(Bounds(Learning(), limits), member=Member(1, 3))
    assert sites.of("a", ["mx.example.net"]).of("").pace.interval == 3.0


def test_sites_that_are_not_in_use_are_forgotten_and_what_was_learned_last() -> None:
    sites = Sites(most=100)
    learned, busy = sites.of("learned"), sites.of("busy")
    learned.of("").suspension = SUSPENSION
    assert isinstance(busy.begin(("",), 0.0), Grant)
    for number in range(1000):
        sites.of(f"site-{number}")
    assert len(sites) <= 102
    assert sites.known("learned") is learned
    assert sites.known("busy") is busy
    assert sites.known("site-0") is None


def test_what_others_have_learned_is_known_when_mail_goes_there_first() -> None:
    sites = Sites()
    assert not sites.take(Kept("google", "", 5.0, 1.0, suspension=SUSPENSION), 6.0)
    assert sites.known("google") is None
    assert sites.of("google").of("").suspension == SUSPENSION
    assert sites.take(Kept("google", "", 7.0, 1.0), 8.0)
    assert sites.of("google").of("").suspension is None


def test_a_limit_that_a_reply_names_is_read() -> None:
    text = "Too many messages: the limit is 120 messages per hour"
    facts = classify(450, "4.7.1", text).facts
    assert _rate(facts["limit"], facts["per"]) == Rate(120.0, 3600.0)
    assert _rate("10 connections", "minute") is None
    assert _rate("", "hour") is None
    assert _rate("100 messages", "") is None
