"""Macros (RFC 7208 §7): the examples of the RFC, and what hostile strings cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ulak.checks.spf import macros
from ulak.checks.spf.sender import read

SENDER = read("192.0.2.3", "mail.example.com", "strong-bad@email.example.com")
SENDER_6 = read("2001:db8::cb01", "mail.example.com", "strong-bad@email.example.com")
VALUES = SENDER.values("email.example.com", "mx.example.net", 1_700_000_000.9, "mx.example.org")
VALUES_6 = SENDER_6.values("email.example.com", "", 0.0, "mx.example.org")


def expand(text: str, values: macros.Values = VALUES) -> str:
    string = macros.read(text)
    assert string is not None
    return string.name(values)


@pytest.mark.parametrize(
    ("text", "expansion"),
    [  # RFC 7208 §7.4
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        (
            "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
            "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
        ),
        (
            "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}",
            "3.2.0.192.in-addr.strong.lp._spf.example.com",
        ),
        ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
        # The rest of the letters, and the transformers.
        ("%{h}", "mail.example.com"),
        ("%{p}", "mx.example.org"),
        ("%{c}", "192.0.2.3"),
        ("%{r}", "mx.example.net"),
        ("%{t}", "1700000000"),
        ("%{DR}", "com.example.email"),
        ("%{S}", "strong-bad%40email.example.com"),
        # strong, bad@email, example, com: reversed, and the two on the right
        ("%{s2r-.+,/_=}", "bad@email.strong"),
        ("%{d127}", "email.example.com"),
        ("%{d99999999999999999999}", "email.example.com"),
        ("%{d01}", "com"),
        ("a%%b%_c%-d", "a%b c%20d"),
    ],
)
def test_expansions(text: str, expansion: str) -> None:
    assert expand(text) == expansion


def test_an_address_of_ipv6_is_written_nibble_by_nibble() -> None:
    nibbles = "1.0.b.c." + "0." * 20 + "8.b.d.0.1.0.0.2.ip6._spf.example.com"
    assert expand("%{ir}.%{v}._spf.%{d2}", VALUES_6).lower() == nibbles
    assert expand("%{c}", VALUES_6) == "2001:db8::cb01"
    assert expand("%{r}", VALUES_6) == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "%a",
        "%{s@}",
        "%{",
        "%{}",
        "%{d",
        "%{x}",
        "%{d0}",
        "%{d00r}",
        "%{dr2}",
        "%{d-r}",
        "%{d }",
        "a b",
    ],
)
def test_broken_syntax_is_seen(text: str) -> None:
    assert macros.read(text) is None
    assert macros.read(f"a.{text}.example") is None


def test_only_an_explanation_has_spaces() -> None:
    string = macros.read("see %{i} 100%%  now", spaces=True)
    assert string is not None
    assert string.words(VALUES, 400) == "see 192.0.2.3 100%  now"
    assert string.words(VALUES, 9) == "see 192.0"


@pytest.mark.parametrize("length", range(248, 262))
def test_labels_are_cut_off_on_the_left_until_it_fits(length: int) -> None:
    text = ("abc." * 100)[-length:-1] + "x"
    string = macros.read("%{l}")
    assert string is not None
    name = string.name({"l": text})
    cut = text.removesuffix(name)
    if length <= 253:
        assert name == text
    else:
        assert len(name) <= 253
        assert cut.endswith(".")
        assert len(name) + len(cut.split(".")[-2]) + 1 > 253, "one label more would have fitted"


@pytest.mark.parametrize("length", range(245, 262))
def test_what_is_in_many_parts_is_cut_at_the_same_place(length: int) -> None:
    string = macros.read("%{l}" + "%%" * length)
    assert string is not None
    whole = "x." + "%" * length
    expected = whole if len(whole) <= 253 else "%" * length if length <= 253 else ""
    assert string.name({"l": "x."}) == expected


def test_what_is_not_unreserved_in_a_url_is_escaped() -> None:
    string = macros.read("%{L}", spaces=True)
    assert string is not None
    local_part = "aZ0-._~!#$&'*+/=?^`{|} ü"
    escaped = "aZ0-._~%21%23%24%26%27%2A%2B%2F%3D%3F%5E%60%7B%7C%7D%20%C3%BC"
    assert string.words({"l": local_part}, 400) == escaped


def test_an_address_is_compared_with_its_kind_only() -> None:
    assert SENDER.holds(("nonsense", "192.0.2.3"), 32)
    assert not SENDER.holds(("nonsense", "::c000:203"), 32)
    assert not SENDER.holds((), 0)


def test_a_label_that_is_too_long_leaves_nothing() -> None:
    string = macros.read("%{l}")
    assert string is not None
    assert string.name({"l": "x" * 300}) == ""


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["%{d}", "%{l1}", "%{l2r-}", "%{S}", "%%", "%-", "a", ".", "x.y", "%{h}", "%{ir}"]
        ),
        max_size=60,
    ).map("".join)
)
def test_stopping_early_changes_nothing(text: str) -> None:
    string = macros.read(text)
    assert string is not None
    whole = "".join(
        part if isinstance(part, str) else part.value(VALUES) for part in string.parts
    ).removesuffix(".")
    while len(whole) > 253:
        _, dot, whole = whole.partition(".")
        assert dot or not whole
    assert string.name(VALUES) == whole


@settings(deadline=None)
@given(st.text(alphabet="%{}slodiphcrtvr0129.-+,/_= aX", max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    string = macros.read(text)
    if string is not None:
        assert string.text == text
        assert len(string.name(VALUES)) <= 253
