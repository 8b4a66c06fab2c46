"""What is asked of an alias is asked of its members (RFC 3461 §5.2.7)."""

from __future__ import annotations

import pytest

from ulak.mail.envelope import NOTHING_ASKED, RecipientWishes
from ulak.mail.expansion import both, expand

TEAM, ADA, BOB = "team@example.org", "ada@example.org", "bob@example.net"
ORCPT = "rfc822;Team@example.org"


def asked(*notify: str, orcpt: str = ORCPT) -> RecipientWishes:
    return RecipientWishes(frozenset(notify), orcpt)


def test_an_alias_with_one_member_hands_everything_on() -> None:
    wish = asked("SUCCESS", "FAILURE")
    assert expand(TEAM, [ADA], wish) == {ADA: wish}


def test_nothing_asked_is_nothing_asked_of_anybody() -> None:
    assert expand(TEAM, [ADA, BOB], NOTHING_ASKED) == {ADA: NOTHING_ASKED, BOB: NOTHING_ASKED}


@pytest.mark.parametrize(
    ("notify", "members"),
    [
        (("SUCCESS",), ("NEVER",)),
        (("SUCCESS", "FAILURE"), ("FAILURE",)),
        (("SUCCESS", "DELAY", "FAILURE"), ("DELAY", "FAILURE")),
    ],
)
def test_success_is_told_of_the_alias_and_not_of_its_members(
    notify: tuple[str, ...], members: tuple[str, ...]
) -> None:
    assert expand(TEAM, [ADA, BOB], asked(*notify)) == {
        ADA: asked(*members),
        BOB: asked(*members),
        TEAM: RecipientWishes(frozenset({"SUCCESS"}), ORCPT, expanded=True),
    }


@pytest.mark.parametrize("notify", [("NEVER",), ("FAILURE",), ("DELAY", "FAILURE"), ()])
def test_without_the_wish_for_success_the_alias_is_not_reported(notify: tuple[str, ...]) -> None:
    assert expand(TEAM, [ADA, BOB], asked(*notify)) == {ADA: asked(*notify), BOB: asked(*notify)}


def test_members_are_remembered_with_the_alias_unless_they_were_named_themselves() -> None:
    wish = RecipientWishes(frozenset({"SUCCESS"}), through="Team@example.org")
    expanded = expand(TEAM, [ADA, BOB], wish)
    assert {name: one.through for name, one in expanded.items()} == {
        ADA: "Team@example.org",
        BOB: "Team@example.org",
        TEAM: "",
    }
    stays = expand(TEAM, [TEAM, BOB], wish)
    assert (stays[TEAM].through, stays[BOB].through) == ("", "Team@example.org")
    named = both(expanded[ADA], NOTHING_ASKED), both(NOTHING_ASKED, expanded[ADA])
    assert {one.through for one in named} == {""}
    assert both(expanded[ADA], RecipientWishes(through="all@example.org")).through == wish.through


def test_a_copy_that_stays_tells_of_success_itself() -> None:
    wish = asked("SUCCESS", "FAILURE")
    assert expand(TEAM, [TEAM, BOB], wish) == {TEAM: wish, BOB: asked("FAILURE")}


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ((), (), ()),
        (("NEVER",), ("NEVER",), ("NEVER",)),
        (("NEVER",), ("SUCCESS",), ("SUCCESS",)),
        (("NEVER",), (), ("FAILURE", "DELAY")),
        (("SUCCESS",), (), ("SUCCESS", "FAILURE", "DELAY")),
        (("SUCCESS",), ("FAILURE",), ("SUCCESS", "FAILURE")),
    ],
)
def test_who_is_reached_twice_has_the_wishes_of_both(
    one: tuple[str, ...], other: tuple[str, ...], joined: tuple[str, ...]
) -> None:
    assert both(asked(*one), asked(*other, orcpt="")) == asked(*joined)
    assert both(asked(*other, orcpt=""), asked(*one)) == asked(*joined)


def test_who_is_an_alias_and_a_recipient_is_delivered_to() -> None:
    marked = RecipientWishes(frozenset({"SUCCESS"}), ORCPT, expanded=True)
    assert not both(marked, asked("FAILURE")).expanded
    assert both(marked, marked).expanded
