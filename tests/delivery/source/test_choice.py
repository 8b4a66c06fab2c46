"""Whose turn it is, as often as it has weight and always the same; and whose mail it is."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ulak.delivery.site.grant import Grant, Why
from ulak.delivery.source.choice import order
from ulak.delivery.source.source import SYSTEM, Pool, Source
from ulak.delivery.source.sources import Sources
from ulak.delivery.source.tenants import Tenant
from ulak.delivery.target import Host, Target, Way
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message

names = st.sampled_from("abcdefgh")
pools = st.dictionaries(names, st.integers(1, 5), min_size=1)


def mail(name: str = "m", sender: str = "ada@example.org", account: str = "") -> Message:
    return Message(name, Envelope(sender, ("x@a.example",)), Body(0, b""), 0.0, account=account)


def to(*addresses: str) -> Target:
    return Target(Way.SMTP, "mx", (Host("mx", addresses),))


@given(pools, st.text())
def test_everybody_has_a_turn_and_it_stays_the_same(pool: dict[str, int], message: str) -> None:
    found = order(pool, message)
    assert sorted(found) == sorted(pool)
    assert order(dict(reversed(pool.items())), message)[:2] == found[:2]


@given(pools, st.text(), names)
def test_a_source_that_comes_changes_only_its_own(
    pool: dict[str, int], message: str, more: str
) -> None:
    found, after = order(pool, message)[0], order({more: 1, **pool}, message)[0]
    assert after in (found, more)


@given(pools, st.text())
def test_the_source_of_the_last_attempt_leads(pool: dict[str, int], message: str) -> None:
    for last in pool:
        assert order(pool, message, last)[0] == last
    assert order(pool, message, "gone") == order(pool, message)


def test_turns_come_as_often_as_there_is_weight() -> None:
    turns = Counter(order({"a": 3, "b": 1, "rests": 0}, f"m{i}")[0] for i in range(4000))
    assert turns["rests"] == 0
    assert 0.7 < turns["a"] / 4000 < 0.8


def test_few_orders_are_made_of_many_sources() -> None:
    pool = dict.fromkeys("abcdefgh", 1)
    assert len({order(pool, f"m{i}") for i in range(2000)}) <= 8 * 7


def test_the_account_says_whose_mail_it_is_and_then_the_domain_of_the_sender() -> None:
    sources = Sources(
        [Source("a", "192.0.2.1"), Source("b", "192.0.2.2"), Source("c", "192.0.2.3")],
        lambda: 0.0,
        pools={"shop": Pool("shop", {"b": 1}), "club": Pool("club", {"c": 1})},
        tenants=[
            Tenant("shop", "shop", domains=frozenset({"example.org"})),
            Tenant("club", "club", accounts=frozenset({"bob@example.com"})),
        ],
    )
    target = to("192.0.2.9")
    assert sources(mail(sender="x@EXAMPLE.org"), target) == ("b",)
    assert sources(mail(sender="x@example.org", account="bob@example.com"), target) == ("c",)
    assert sorted(sources(mail(sender="x@example.net"), target)) == ["a", "b", "c"]
    facts = sources.facts(mail(), Grant("b"), "")
    assert facts == {"source": "b", "pool": "shop", "tenant": "shop"}


def test_a_report_goes_the_way_of_whose_message_it_is_about() -> None:
    sources = Sources(
        [Source("a", "192.0.2.1"), Source("b", "192.0.2.2"), Source("c", "192.0.2.3")],
        lambda: 0.0,
        pools={
            "": Pool("", {"a": 1}), "shop": Pool("shop", {"b": 1}), "club": Pool("club", {"c": 1}),
        },
        tenants=[
            Tenant("shop", "shop", domains=frozenset({"example.org"})),
            Tenant("club", "club", accounts=frozenset({"bob@example.com"})),
        ],
    )  # fmt: skip
    target = to("192.0.2.9")

    def report(reader: str, account: str = "", session: str = "") -> Message:
        envelope = Envelope("", (reader,))
        return Message("r", envelope, Body(0, b""), 0.0, account=account, session=session)

    assert sources(report("ada@EXAMPLE.org"), target) == ("b",)
    assert sources(report("ada@example.net", "bob@example.com"), target) == ("c",)
    assert sources(report("ada@example.net"), target) == ("a",)
    # A bounce of others on its way through here is nobody's.
    assert sources(report("ada@example.org", session="S1"), target) == ("a",)


def test_a_source_without_an_address_of_the_family_is_not_asked() -> None:
    four, six = Source("four", "192.0.2.1"), Source("six", "", "2001:db8::1")
    sources = Sources([four, six, Source("both", "192.0.2.2", "2001:db8::2")], lambda: 0.0)
    assert set(sources(mail(), to("192.0.2.9"))) == {"four", "both"}
    assert set(sources(mail(), to("2001:db8::9"))) == {"six", "both"}
    assert len(sources(mail(), to("192.0.2.9", "2001:db8::9"))) == 3
    assert four.of("2001:db8::9") is None
    assert SYSTEM.of("2001:db8::9") == ""


def test_a_source_that_is_set_aside_is_asked_again_later_and_told_of_once() -> None:
    now, told = [0.0], []
    sources = Sources(
        [Source("a", "192.0.2.1"), Source("b", "192.0.2.2")],
        lambda: now[0],
        told=lambda source, address, problem: told.append((source.name, address, problem)),
    )
    first, second = sources(mail(), to("192.0.2.9"))
    address = {"a": "192.0.2.1", "b": "192.0.2.2"}
    for _ in range(2):
        sources.aside(first, address[first], "cannot assign requested address")
    assert sources(mail(), to("192.0.2.9")) == (second,)
    sources.aside(second, address[second], "cannot assign requested address")
    assert len(sources(mail(), to("192.0.2.9"))) == 2  # one has to be tried
    now[0] = 301.0
    assert sources(mail(), to("192.0.2.9")) == (first, second)
    assert [name for name, _, _ in told] == [first, second]


def test_who_stands_in_for_whom_is_told() -> None:
    sources = Sources([Source("a", "192.0.2.1"), Source("b", "192.0.2.2")], lambda: 0.0)
    first, second = sources(mail(), to("192.0.2.9"))
    assert "turn" not in sources.facts(mail(), Grant(first), "")
    stands_in = sources.facts(mail(), Grant(second, instead=Why.WARMING), "")
    assert (stands_in["turn-of"], stands_in["turn-why"]) == (first, "warming")
    assert sources.facts(mail(), Grant(second), "")["turn-why"] == "family"
    assert sources.facts(mail(), Grant(second), second)["turn"] == "again"
    assert sources.facts(mail(), Grant(), "") == {}
    sources.aside(first, {"a": "192.0.2.1", "b": "192.0.2.2"}[first], "gone")
    assert sources.facts(mail(), Grant(second), "")["turn-why"] == "aside"


def test_only_the_address_that_is_gone_is_set_aside() -> None:
    sources = Sources(
        [Source("a", "192.0.2.1", "2001:db8::1"), Source("b", "192.0.2.2")], lambda: 0.0
    )
    sources.aside("a", "2001:db8::1", "gone")
    assert set(sources(mail(), to("192.0.2.9"))) == {"a", "b"}
    assert sources(mail(), to("2001:db8::9")) == ("a",)  # there is nobody else
    assert set(sources(mail(), to("192.0.2.9", "2001:db8::9"))) == {"a", "b"}
    sources.aside("nobody", "192.0.2.2", "gone")
    assert set(sources(mail(), to("192.0.2.9"))) == {"a", "b"}
