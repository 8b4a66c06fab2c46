"""The parameters of MAIL and RCPT, where a transcript cannot reach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ulak.smtp import parameters
from ulak.smtp.extensions import TABLE, offered
from ulak.smtp.offers import Offers, Standing
from ulak.smtp.sasl.table import Channel, Ways

WAYS = Ways(frozenset({"SCRAM-SHA-256"}), clear=True)
EVERYTHING = Standing(
    Offers("submission", tls=True, expn=True, longest_hold=1, ways=WAYS),
    largest=1000,
    trusted=True,
    front=True,
)
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@given(st.datetimes(timezones=ZONES).filter(lambda when: 1 < when.year < 9999))
def test_a_date_time_is_what_others_write(when: datetime) -> None:
    stamp = pytest.approx(when.timestamp(), rel=0, abs=1e-4)
    assert parameters.date_time(when.isoformat()) == stamp
    in_utc = when.astimezone(UTC).isoformat().replace("+00:00", "z").lower()
    assert parameters.date_time(in_utc) == stamp


def test_a_leap_second_is_the_beginning_of_the_next_minute() -> None:
    assert parameters.date_time("1990-12-31T23:59:60Z") == parameters.date_time(
        "1991-01-01T00:00:00Z"
    )
    assert parameters.date_time("0001-01-01T00:00:00+23:59") is not None


@given(st.text(), st.sampled_from(sorted(offered(EVERYTHING).mail)))
def test_a_reader_of_mail_answers_whatever_comes(value: str, name: str) -> None:
    reply = offered(EVERYTHING).mail[name](parameters.MailDraft(EVERYTHING), value)
    assert reply is None or reply.code == 501


@given(st.text(), st.sampled_from(["NOTIFY", "ORCPT"]), st.booleans())
def test_a_reader_of_rcpt_answers_whatever_comes(value: str, name: str, wide: object) -> None:
    draft = parameters.RecipientDraft(smtputf8=bool(wide))
    reply = offered(EVERYTHING).rcpt[name](draft, value)
    assert reply is None or reply.code == 501
    assert draft.wishes.orcpt.isprintable()


def test_auth_is_believed_of_ones_own_only() -> None:
    for trusted, wanted in ((True, "e=mc2@example.com"), (False, "<>")):
        draft = parameters.MailDraft(Standing(Offers(), 1000, trusted=trusted))
        assert parameters.auth(draft, "e+3Dmc2@example.com") is None
        assert draft.wishes.auth == wanted
    for bad in ("", "x+0Ay@example.com", "nobody", "a@b@c", None):
        refusal = parameters.auth(parameters.MailDraft(EVERYTHING), bad)
        assert refusal is not None
        assert refusal.code == 501


def test_every_row_is_to_be_had_somewhere_and_can_be_withheld_or_is_a_matter_of_course() -> None:
    under_tls = Standing(Offers(), 1000, Channel(secure=True))
    had = {
        row.keyword
        for row in TABLE
        for standing in (EVERYTHING, under_tls)
        if row.offer(standing, 0.0) is not None
    }
    assert had == {row.keyword for row in TABLE}
