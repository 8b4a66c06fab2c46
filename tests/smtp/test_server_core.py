"""The server's side of a session, where a transcript cannot reach."""

from __future__ import annotations

from ulak.replies import catalog
from ulak.smtp import events
from ulak.smtp.server import Limits, ServerCore


def core(*said: bytes, limits: Limits | None = None) -> ServerCore:
    made = ServerCore("mx.example.org", limits or Limits())
    made.greet(catalog.READY.reply(hostname="mx.example.org"))
    made.output()
    for octets in said:
        made.feed(octets)
    return made


def test_a_refused_ehlo_has_no_enhanced_code_and_changes_nothing() -> None:
    made = core(b"EHLO c.example\r\nMAIL FROM:<>\r\n")
    event = made.next_event()
    assert event == events.Hello("c.example", extended=True)
    made.answer(event, catalog.INTERNAL_ERROR.reply(id="X"))
    assert made.output() == b"451 Something failed here, try again later (incident X)\r\n"
    assert isinstance(made.next_event(), events.Refused)
    assert made.client_name == ""


def test_octets_are_kept_until_they_are_asked_for() -> None:
    made = core(b"NOOP\r\nNO", b"OP\r\nQUIT")
    assert made.waiting == 16
    assert made.next_event() == events.Noop()
    assert made.next_event() == events.Noop()
    assert made.next_event() is None
    assert made.waiting == 4


def test_after_the_end_of_a_message_nothing_is_looked_at_before_its_answer() -> None:
    made = core(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n")
    for row in (catalog.HELLO, catalog.SENDER_OK, catalog.RECIPIENT_OK, catalog.START_DATA):
        event = made.next_event()
        assert event is not None
        made.answer(event, row.reply(hostname="mx", client="c"))
    made.feed(b"From: a\r\n\r\n.\r\nNOOP\r\n")
    assert made.next_event() == events.Chunk(b"From: a\r\n\r\n")
    ended = made.next_event()
    assert ended == events.EndOfData(11)
    assert made.next_event() is None
    assert ended is not None
    made.answer(ended, catalog.MESSAGE_QUEUED.reply(id="1"))
    assert made.next_event() == events.Noop()


def test_a_dialogue_begins_anew_with_every_message_that_is_taken() -> None:
    made = core(b"HELO c\r\n")
    event = made.next_event()
    assert event is not None
    made.answer(event, catalog.HELLO.reply(hostname="mx", client="c"))
    assert made.dialogue.lines[1:] == [b"C: HELO c", b"S: 250 mx greets c\r\n"]
    made.answer(events.EndOfData(0), catalog.MESSAGE_QUEUED.reply(id="1"))
    assert made.dialogue.lines == []
