"""Addresses and parameters, any there could be."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ulak.mail.address import Address
from ulak.smtp import grammar
from ulak.smtp.grammar import GrammarError

LOCAL = st.text(
    st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=25
) | st.text(st.characters(min_codepoint=0xA0, exclude_categories=["Cs"]), min_size=1, max_size=15)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=1, max_size=4).map(".".join) | st.sampled_from(
    ["[192.0.2.1]", "[IPv6:2001:db8::1]", "[tag:what!]", "örnek.example", "例え.example"]
)


@given(st.builds(Address, LOCAL, DOMAIN))
def test_an_address_that_is_written_is_read_as_the_same(address: Address) -> None:
    text = str(address)
    try:
        read = grammar.parse_mailbox(text)
    except GrammarError as error:
        assert "longer" in str(error)  # noqa: PT017 -- the quotes and backslashes count
    else:
        assert read == address
        assert str(read) == text
        assert grammar.parse_path(f"<{text}> SIZE=1") == (address, "SIZE=1")
        assert grammar.parse_path(f"<@a.example,@b.example:{text}>") == (address, "")


def outcome(text: str) -> object:
    try:
        return grammar.parse_path(text)
    except GrammarError as error:
        return str(error)


@given(st.lists(st.sampled_from([*'aA0-_+.@<> é"[=', "a.b@c."]), max_size=70).map("".join))
@example("<" + "a" * 60 + "@b>")
@example("<" + "a" * 59 + "@bc>")
@example("<" + "a" * 64 + "@b>")
@example("<" + "a" * 65 + "@b>")
@example("<a@" + "b" * 63 + ">")
@example("<a@" + "b" * 64 + ">")
@example("<a@b>SIZE=1")
@example("<a@b.>")
@example("<a.@b>")
@example("<a@-b>")
@example("<a@b->")
def test_the_short_way_through_a_path_leads_where_the_long_one_does(text: str) -> None:
    path = "<" + text.removeprefix("<")
    assert outcome(path) == outcome(" " + path)  # the space makes it take the long way


@given(st.text(max_size=80))
def test_any_text_is_an_address_or_a_grammar_error(text: str) -> None:
    for parse in (
        grammar.parse_mailbox,
        grammar.parse_user,
        grammar.parse_domain,
        grammar.parse_literal,
        grammar.parse_hello,
        grammar.parse_parameters,
        grammar.parse_path,
    ):
        try:
            got = parse(text)
        except GrammarError as error:
            assert str(error).isascii()  # noqa: PT017 -- it goes into a reply
        else:
            if isinstance(got, Address) and got.domain:
                assert grammar.parse_mailbox(str(got)) == got


@pytest.mark.parametrize("content", ["a>b", "a<b", ">", "<"])
def test_no_address_literal_has_an_angle_bracket(content: str) -> None:
    with pytest.raises(GrammarError, match="literal is malformed"):
        grammar.parse_mailbox(f"a@[tag:{content}]")


@pytest.mark.parametrize("local", ["a", '"a b"', '"\\""'])
def test_a_mailbox_is_no_longer_than_a_path_may_be(local: str) -> None:
    written = len(str(grammar.parse_mailbox(f"{local}@x")))
    domain = "b." * 120 + "c" * (254 - 240 - written + 1)
    assert len(str(grammar.parse_mailbox(f"{local}@{domain}"))) == 254
    with pytest.raises(GrammarError, match="path is longer"):
        grammar.parse_mailbox(f"{local}@{domain}c")
    assert grammar.parse_path(f"<{local}@{domain}>")[0] is not None
    with pytest.raises(GrammarError, match="path is longer"):
        grammar.parse_path(f"<{local}@{domain}c>")


@pytest.mark.parametrize(
    "label",
    [
        "Örnek",  # a capital: not as it is registered
        "o\u0308rnek",  # decomposed
        "\u0308rnek",  # begins with a mark
        "ör nek",
        "ör_nek",
        "-örnek",
        "örnek-",
        "ö\u200brnek",
        "ｅxample",  # full width
        "ö。rnek",
        "ö☃",
        "ö" * 40,  # 63 octets and more as an A-label
    ],
)
def test_what_is_no_u_label_is_no_domain(label: str) -> None:
    with pytest.raises(GrammarError):
        grammar.parse_domain(f"{label}.example")


@pytest.mark.parametrize("label", ["örnek", "straße", "ελλάδα", "ไทย", "l·l", "2ö", "ö-2"])
def test_a_u_label_is_a_domain(label: str) -> None:
    assert grammar.parse_domain(f"{label}.example") == f"{label}.example"


@pytest.mark.parametrize(
    "text",
    [
        "<" + '"' + "\\" * 2000,
        "<" + "a." * 1000 + "@x>",
        "<@" + "a," * 1000 + ":x@y>",
        "<" + "@a:" * 700 + "x@y>",
        "<a@" + "-" * 2000 + ">",
        "<a@" + "b." * 1000 + ">",
        "<a@[" + "a-" * 1000 + ":x]>",
        "<a@b> " + "X" * 2000,
        "<a@b> " + "=" * 2000,
    ],
)
def test_no_command_line_takes_long_to_read(text: str) -> None:
    # A pattern that backtracks would not be through before the test's time is up.
    for _ in range(200):
        with contextlib.suppress(GrammarError):
            grammar.parse_parameters(grammar.parse_path(text)[1])
