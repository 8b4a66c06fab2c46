"""Wishes as text: what is written is read back, and nothing is written for nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ulak.mail.envelope import DeliverBy, Envelope, RecipientWishes, Wishes
from ulak.queue.wishes import as_table, asked_of, kept, wishes_of

times = st.floats(0, 4e9, allow_nan=False)
wishes = st.builds(
    Wishes,
    ret=st.sampled_from(["", "FULL", "HDRS"]),
    envid=st.text(max_size=20),
    require_tls=st.booleans(),
    priority=st.integers(-9, 9),
    deliver_by=st.none() | st.builds(DeliverBy, times, st.sampled_from("RN"), st.booleans()),
    hold_until=times,
    hold=st.text(max_size=10),
    auth=st.text(max_size=10),
    quarantine=st.sampled_from(["", "dmarc-quarantine"]),
)
asked = st.builds(
    RecipientWishes,
    notify=st.frozensets(st.sampled_from(["SUCCESS", "FAILURE", "DELAY", "NEVER"])),
    orcpt=st.text(max_size=20),
    expanded=st.booleans(),
    through=st.text(max_size=20),
)


def test_mail_without_wishes_keeps_nothing() -> None:
    assert kept(Envelope("a@example.org", ("b@example.org",))) == (None, None)
    plain = Envelope(
        "", ("b@x.example",), wishes=Wishes(), asked={"b@x.example": RecipientWishes()}
    )
    assert kept(plain) == (None, None)
    assert as_table(Wishes()) == {}


@given(wishes, st.dictionaries(st.text(max_size=10), asked, max_size=4))
def test_what_is_written_is_read_back(
    message: Wishes, recipients: dict[str, RecipientWishes]
) -> None:
    envelope = Envelope("", tuple(recipients), wishes=message, asked=recipients)
    text, texts = kept(envelope)
    assert (Wishes() if text is None else wishes_of(text)) == message
    back = {} if texts is None else asked_of(texts)
    for name, one in recipients.items():
        assert back.get(name, RecipientWishes()) == one
    for written in (text, texts):
        assert written is None or written.isascii()


def test_what_an_older_version_wrote_is_read_as_mail_that_is_not_put_apart() -> None:
    assert wishes_of('{"envid":"QQ314"}') == Wishes(envid="QQ314", quarantine="")
