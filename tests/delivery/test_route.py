"""Routing over a table of DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from ulak.delivery.hop import HopError, parse
from ulak.delivery.route import Route, Routes
from ulak.delivery.target import Host, Target, Told, Way
from ulak.dns import Status, Zone

Table = Mapping[tuple[str, str], Sequence[str | tuple[int, str]] | Status]

PUBLIC = "198.51.100.0/24"  # documentation addresses, opened for the tests
OPEN = (PUBLIC, "192.0.2.0/24", "2001:db8::/32")


def route(
    local: Mapping[str, str] | None = None,
    table: Mapping[str, str] | None = None,
    *,
    chance: Callable[[], float] = lambda: 0.0,
    reachable: Sequence[str] = OPEN,
    addresses: frozenset[str] = frozenset(),
) -> Route:
    made = Routes.of("mx.example.org", local or {}, table, reachable)
    return Route(
        Routes(
            made.hostname,
            made.local,
            made.table,
            reachable=made.reachable,
            addresses=addresses,
            names=frozenset({"alias.example.org"}),
        ),
        chance,
    )


def find(domain: str, zone: Table, over: Route | None = None) -> Target:
    return asyncio.run((over or route()).find(domain, Zone(zone)))


def names(target: Target) -> list[str]:
    assert target.refusal is None, target.refusal
    return [host.name for host in target.hosts]


def refusal(target: Target) -> tuple[str, int]:
    assert target.refusal is not None
    assert target.hosts == ()
    return target.refusal.cause, target.refusal.code


THREE: Table = {
    ("example.net", "MX"): [(20, "c.example.net"), (10, "a.example.net"), (10, "b.example.net")],
    ("a.example.net", "A"): ["192.0.2.1"],
    ("b.example.net", "A"): ["192.0.2.2"],
    ("c.example.net", "A"): ["192.0.2.3"],
    ("c.example.net", "AAAA"): ["2001:db8::3"],
}


def test_the_lowest_preference_comes_first() -> None:
    target = find("example.net", THREE, route(chance=lambda: 0.99))
    assert target.way is Way.SMTP
    assert names(target) == ["a.example.net", "b.example.net", "c.example.net"]
    assert target.hosts[2] == Host("c.example.net", ("192.0.2.3", "2001:db8::3"), 25)


def test_a_target_says_who_names_its_hosts() -> None:
    over = route(
        table={"smart.example": "smtp:192.0.2.9:25", "named.example": "smtp:a.example.net"}
    )

    def told(domain: str, *, authentic: bool) -> Told:
        zone = Zone({**THREE, ("bare.example", "A"): ["192.0.2.5"]}, authentic=authentic)
        return asyncio.run(over.find(domain, zone)).told

    assert told("example.net", authentic=False) is Told.DNS
    assert told("example.net", authentic=True) is Told.DNSSEC
    for authentic in (False, True):
        assert told("bare.example", authentic=authentic) is Told.ADDRESS
        assert told("[192.0.2.7]", authentic=authentic) is Told.ADDRESS
        assert told("smart.example", authentic=authentic) is Told.OPERATOR
        assert told("named.example", authentic=authentic) is Told.OPERATOR


def test_a_hop_and_mx_records_of_one_host_are_two_targets() -> None:
    """Who is to log in at a smart host does so for the mail that was sent there, and no other."""
    zone: Table = {
        ("example.net", "MX"): [(10, "a.example.net")],
        ("a.example.net", "A"): ["192.0.2.1"],
    }
    over = route(table={"other.example": "smtp:a.example.net:25"})
    assert find("example.net", zone, over).key != find("other.example", zone, over).key


def test_equal_preferences_draw_lots_and_share_a_key() -> None:
    one = find("example.net", THREE, route(chance=lambda: 0.0))
    other = find("example.net", THREE, route(chance=lambda: 0.99))
    assert names(one) == ["b.example.net", "a.example.net", "c.example.net"]
    assert one.key == other.key == "mx:a.example.net,b.example.net>c.example.net:25"


def test_lots_are_fair() -> None:
    state = 1

    def chance() -> float:
        nonlocal state
        state = state * 1103515245 + 12345 & 0x7FFFFFFF
        return state / 0x80000000

    over = route(chance=chance)
    zone: Table = {
        ("example.net", "MX"): [(10, f"{c}.example.net") for c in "abc"],
        **{(f"{c}.example.net", "A"): ["192.0.2.1"] for c in "abc"},
    }
    firsts = [names(find("example.net", zone, over))[0] for _ in range(300)]
    assert all(70 < firsts.count(f"{c}.example.net") < 130 for c in "abc")


def test_domains_at_one_provider_share_a_key() -> None:
    zone = {**THREE, ("example.com", "MX"): THREE["example.net", "MX"]}
    assert find("example.com", zone).key == find("example.net", zone).key


def test_without_mx_the_domain_is_its_own_mail_server() -> None:
    target = find("example.net", {("example.net", "A"): ["192.0.2.9"]})
    assert target.hosts == (Host("example.net", ("192.0.2.9",), 25),)


def test_with_mx_the_addresses_of_the_domain_are_not_used() -> None:
    zone: Table = {
        ("example.net", "A"): ["192.0.2.9"],
        ("example.net", "MX"): [(10, "gone.example.net")],
    }
    assert refusal(find("example.net", zone)) == ("no-mail-host", 550)


def test_a_cname_at_the_domain_is_followed() -> None:
    zone = {**THREE, ("www.example.com", "CNAME"): ["example.net"]}
    assert set(names(find("www.example.com", zone))) == {
        "a.example.net",
        "b.example.net",
        "c.example.net",
    }


def test_an_mx_that_is_an_alias_is_tolerated() -> None:
    zone: Table = {
        ("example.net", "MX"): [(10, "mail.example.net")],
        ("mail.example.net", "CNAME"): ["a.example.com"],
        ("a.example.com", "A"): ["192.0.2.4"],
    }
    assert find("example.net", zone).hosts == (Host("mail.example.net", ("192.0.2.4",), 25),)


@pytest.mark.parametrize(
    ("zone", "cause", "code"),
    [
        ({("example.net", "MX"): [(0, "")]}, "null-mx", 556),
        ({}, "domain-not-found", 550),
        ({("example.net", "TXT"): ["here"]}, "domain-not-found", 550),
        ({("example.net", "MX"): Status.SERVFAIL}, "dns-failed", 451),
        ({("example.net", "MX"): Status.TIMEOUT}, "dns-failed", 451),
        (
            {("example.net", "A"): Status.TIMEOUT, ("example.net", "TXT"): ["here"]},
            "dns-failed",
            451,
        ),
        (
            {
                ("example.net", "MX"): [(10, "a.example.net"), (20, "b.example.net")],
                ("a.example.net", "A"): Status.SERVFAIL,
            },
            "dns-failed",
            451,
        ),
        ({("example.net", "MX"): [(10, "mx.example.org")]}, "route-to-self", 554),
        ({("example.net", "MX"): [(10, "alias.example.org")]}, "route-to-self", 554),
        (
            {("example.net", "MX"): [(10, "a.example.net")], ("a.example.net", "A"): ["10.0.0.1"]},
            "address-unreachable",
            550,
        ),
    ],
)
def test_a_domain_without_a_way_says_why(zone: Table, cause: str, code: int) -> None:
    assert refusal(find("example.net", zone)) == (cause, code)


def test_a_refusal_of_dns_names_what_was_asked() -> None:
    target = find("example.net", {("example.net", "MX"): Status.SERVFAIL})
    assert target.refusal is not None
    assert "MX of example.net" in target.refusal.text


def test_a_host_that_cannot_be_looked_up_leaves_the_others() -> None:
    zone = {**THREE, ("a.example.net", "A"): Status.TIMEOUT}
    assert names(find("example.net", zone)) == ["b.example.net", "c.example.net"]


def test_where_we_are_in_the_list_only_better_hosts_are_left() -> None:
    zone: Table = {
        ("example.net", "MX"): [
            (10, "a.example.net"),
            (20, "mx.example.org"),
            (20, "b.example.net"),
            (30, "c.example.net"),
        ],
        **{(f"{c}.example.net", "A"): ["192.0.2.1"] for c in "abc"},
    }
    assert names(find("example.net", zone)) == ["a.example.net"]


def test_we_know_ourselves_by_address_too() -> None:
    over = route(addresses=frozenset({"192.0.2.2"}))
    zone = {**THREE, ("example.net", "MX"): [(10, "a.example.net"), (20, "b.example.net")]}
    assert names(find("example.net", zone, over)) == ["a.example.net"]
    implicit: Table = {("example.net", "A"): ["192.0.2.2"]}
    assert refusal(find("example.net", implicit, over)) == ("route-to-self", 554)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "::10.1.2.3",
    ],
)
def test_an_mx_cannot_aim_us_at_our_own_network(address: str) -> None:
    kind = "AAAA" if ":" in address else "A"
    zone: Table = {
        ("example.net", "MX"): [(10, "a.example.net"), (20, "b.example.net")],
        ("a.example.net", kind): [address],
        ("b.example.net", "A"): ["198.51.100.7"],
    }
    over = route(reachable=(PUBLIC,))
    assert names(find("example.net", zone, over)) == ["b.example.net"]
    literal = f"[ipv6:{address}]" if ":" in address else f"[{address}]"
    assert refusal(find(literal, {}, over)) == ("address-unreachable", 550)


def test_networks_that_the_operator_opens_are_reached() -> None:
    zone: Table = {("example.net", "A"): ["127.0.0.3"]}
    assert names(find("example.net", zone, route(reachable=("127.0.0.0/8",)))) == ["example.net"]


def test_the_addresses_of_the_internet_are_reached_by_default() -> None:
    zone: Table = {("example.net", "A"): ["9.9.9.9"], ("example.net", "AAAA"): ["2620:fe::fe"]}
    (host,) = find("example.net", zone, route(reachable=())).hosts
    assert host.addresses == ("9.9.9.9", "2620:fe::fe")


@pytest.mark.parametrize(
    ("domain", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[ipv6:2001:db8::1]", "2001:db8::1")]
)
def test_an_address_literal_is_its_own_host(domain: str, address: str) -> None:
    assert find(domain, {}).hosts == (Host(domain, (address,), 25),)


def test_our_own_literal_is_ourselves() -> None:
    over = route(addresses=frozenset({"192.0.2.1"}))
    assert refusal(find("[192.0.2.1]", {}, over)) == ("route-to-self", 554)


def test_a_flood_of_records_is_bounded_and_does_not_hide_ourselves() -> None:
    many = [(i, f"h{i}.example.net") for i in range(100)]
    zone: Table = {
        ("example.net", "MX"): [*many, (3, "mx.example.org")],
        **{(f"h{i}.example.net", "A"): [f"192.0.2.{j}" for j in range(99)] for i in range(100)},
    }
    assert names(find("example.net", zone)) == [
        "h0.example.net",
        "h1.example.net",
        "h2.example.net",
    ]
    target = find("example.net", {**zone, ("example.net", "MX"): many})
    assert len(target.hosts) == 8
    assert all(len(host.addresses) == 8 for host in target.hosts)


# -- hops that are written down -----------------------------------------------------------------


def test_our_domains_go_where_deliver_says() -> None:
    over = route({"Example.ORG": "maildir", "example.com": "lmtp:unix:/run/lmtp"})
    assert over.known("example.org") == Target(Way.MAILDIR, "maildir")
    target = over.known("example.com")
    assert target is not None
    assert (target.way, target.hosts[0].path) == (Way.LMTP, "/run/lmtp")
    assert over.known("example.net") is None


def test_a_smart_host_takes_everything_but_what_has_a_route_of_its_own() -> None:
    over = route({"example.org": "maildir"}, {"*": "smtp:127.0.0.9:2525", "direct.example": "mx"})
    smart = over.known("example.net")
    assert smart is not None
    assert smart.hosts == (Host("127.0.0.9", ("127.0.0.9",), 2525),)
    assert over.known("example.org") == Target(Way.MAILDIR, "maildir")
    assert over.known("direct.example") is None
    zone: Table = {("direct.example", "A"): ["192.0.2.1"]}
    assert names(find("direct.example", zone, over)) == ["direct.example"]


def test_our_own_domain_is_never_routed_by_the_table() -> None:
    over = route({"example.org": "lmtp:lmtp.example.org"}, {"example.org": "smtp:192.0.2.1"})
    assert over.known("example.org") is None
    target = find("example.org", {("lmtp.example.org", "A"): ["10.0.0.5"]}, over)
    host = Host("lmtp.example.org", ("10.0.0.5",), 24)
    assert target == Target(Way.LMTP, "lmtp:lmtp.example.org:24", (host,), told=Told.OPERATOR)


@pytest.mark.parametrize("status", [Status.SERVFAIL, []])
def test_a_smart_host_without_address_puts_off_and_returns_nothing(
    status: Status | list[str],
) -> None:
    over = route(table={"*": "smtp:smart.example.org:25"})
    target = find("example.net", {("smart.example.org", "A"): status}, over)
    assert refusal(target) == ("dns-failed", 451)


def test_the_postmaster_of_this_server_has_a_home() -> None:
    assert route().home() == Target(Way.MAILDIR, "maildir")
    assert route().own("")
    assert route().own("mx.example.org")
    assert not route().own("example.net")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("smtp:Mail.example.org:2525", "mail.example.org", 2525),
        ("smtp:mail.example.org", "mail.example.org", 25),
        ("lmtp:127.0.0.1", "127.0.0.1", 24),
        ("smtp:[2001:DB8::1]:26", "2001:db8::1", 26),
        ("smtp:[::1]", "::1", 25),
    ],
)
def test_a_hop_is_read(text: str, host: str, port: int) -> None:
    hop = parse(text)
    assert (hop.host, hop.port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "maildirs",
        "smtp",
        "smtp:",
        "smtp:a b:25",
        "smtp:host:0",
        "smtp:host:65536",
        "smtp:host:+25",
        "smtp:host:٢٥",
        "smtp:host:1_0",
        "smtp:host:",
        "smtp:::1:25",
        "smtp:[::1",
        "smtp:[::1]25",
        "smtp:[nothing]:25",
        "lmtp:unix:relative",
        "http:host:80",
    ],
)
def test_what_is_no_hop_is_named(text: str) -> None:
    with pytest.raises(HopError, match="“"):
        parse(text)
