"""Which reports are made is what the standards say, written down here as they have it."""

from __future__ import annotations

from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.bounce.duty import of_success, owed
from ulak.bounce.notice import Action
from ulak.mail.envelope import DeliverBy, RecipientWishes

KEYWORDS = ("SUCCESS", "FAILURE", "DELAY")
# All that NOTIFY may say (RFC 3461 §4.1); () where it was not given.
NOTIFY = [
    frozenset(chosen)
    for chosen in chain(
        [(), ("NEVER",)], *(combinations(KEYWORDS, n) for n in range(1, len(KEYWORDS) + 1))
    )
]
# What happened; the keyword that asks for its report; whether it is told unasked; the section.
TABLE = [
    (Action.DELIVERED, "SUCCESS", False),  # §5.2.3
    (Action.RELAYED, "SUCCESS", False),  # §5.2.2 (b), (e)
    (Action.EXPANDED, "SUCCESS", False),  # §5.2.7.3 (c)
    (Action.FAILED, "FAILURE", True),  # §5.2.6
    (Action.DELAYED, "DELAY", True),  # §5.2.5
]
NOON = 1_793_707_200.0


@pytest.mark.parametrize("notify", NOTIFY, ids=lambda chosen: "+".join(sorted(chosen)) or "none")
@pytest.mark.parametrize(("action", "keyword", "unasked"), TABLE)
def test_a_report_is_owed_as_rfc_3461_says(
    action: Action, keyword: str, notify: frozenset[str], *, unasked: bool
) -> None:
    expected = keyword in notify if notify else unasked
    assert owed(action, RecipientWishes(notify)) == expected


notifies = st.sampled_from(NOTIFY)
deadlines = st.none() | st.builds(
    DeliverBy, st.sampled_from([NOON - 1, NOON + 1]), st.sampled_from("RN"), st.booleans()
)
FACTS: list[dict[str, str]] = [
    {},
    {"dsn": "not-offered"},
    {"dsn": "passed-on"},
    {"dsn": "passed-on", "deliver-by": "not-offered"},
    {"dsn": "not-offered", "deliver-by": "not-offered"},
]


@given(notifies, deadlines, st.sampled_from(FACTS), st.booleans(), st.booleans())
def test_a_success_is_told_once_and_by_whoever_knows(
    notify: frozenset[str],
    by: DeliverBy | None,
    facts: dict[str, str],
    final: bool,  # noqa: FBT001 -- drawn
    here: bool,  # noqa: FBT001 -- drawn
) -> None:
    here = here and final
    told = of_success(RecipientWishes(notify), by, facts, NOON, final=final, here=here)
    passed_on = facts.get("dsn") == "passed-on" and not here
    if "NEVER" in notify:
        assert told is None
    elif here and "SUCCESS" in notify:
        assert told is Action.DELIVERED
    elif "SUCCESS" in notify and not passed_on:
        assert told is (Action.DELIVERED if final else Action.RELAYED)
    elif not final and by is not None and by.trace:
        assert told is Action.RELAYED  # RFC 2852 §4.1.4
    elif (
        not final
        and by is not None
        and by.mode == "N"
        and by.until > NOON
        and "deliver-by" in facts
    ):
        assert told is Action.RELAYED  # RFC 2852 §4.1.4.2
    else:
        assert told is None


def test_an_alias_with_members_is_told_as_expanded() -> None:
    asked = RecipientWishes(frozenset({"SUCCESS"}), expanded=True)
    assert of_success(asked, None, {}, NOON, final=True, here=True) is Action.EXPANDED
