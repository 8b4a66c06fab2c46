"""What aliases lead to other servers goes in our name, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ulak.delivery.forwarding import ForwardingCarrier
from ulak.delivery.outcome import Outcome, Result
from ulak.delivery.site.grant import ANYWHERE, Grant
from ulak.delivery.target import Target, Way
from ulak.mail.envelope import Envelope, RecipientWishes
from ulak.queue.item import Body, Message

THERE = Target(Way.SMTP, "mx:far")
LED = RecipientWishes(through="team@example.org")


class Inner:
    def __init__(self) -> None:
        self.carried: list[tuple[str, list[str]]] = []

    async def carry(
        self,
        message: Message,
        recipients: Sequence[str],
        target: Target,
        grant: Grant = ANYWHERE,
    ) -> list[Outcome]:
        del target, grant
        self.carried.append((message.envelope.sender, list(recipients)))
        return [
            Outcome(each, Result.DELIVERED, "delivered", facts={"a": "b"}) for each in recipients
        ]

    async def close(self) -> None:
        self.carried.clear()


def carried(
    sender: str, asked: dict[str, RecipientWishes], *recipients: str
) -> tuple[list[tuple[str, list[str]]], dict[str, str]]:
    inner = Inner()

    def rewrite(sender: str, through: str) -> str | None:
        return None if sender.startswith("long") else f"srs-of-{sender}-by-{through}"

    carrier = ForwardingCarrier(inner, lambda domain: domain == "example.org", rewrite)
    message = Message("M", Envelope(sender, recipients, asked=asked), Body(1, b"x"), 1.0)
    outcomes = asyncio.run(carrier.carry(message, recipients, THERE))
    assert [each.recipient for each in outcomes] == [r for _, group in inner.carried for r in group]
    return inner.carried, {each.recipient: each.facts.get("srs", "") for each in outcomes}


FAR, NEAR, OTHER = "far@example.net", "ada@example.org", "other@example.com"
BOB = "bob@sender.example"


def test_only_who_was_reached_through_an_alias_elsewhere_sees_the_rewritten_sender() -> None:
    sent, noted = carried(BOB, {FAR: LED, NEAR: LED}, FAR, NEAR, OTHER)
    made = f"srs-of-{BOB}-by-team@example.org"
    assert sent == [(made, [FAR]), (BOB, [NEAR, OTHER])]
    assert noted == {FAR: made, NEAR: "", OTHER: ""}


def test_the_null_sender_and_our_own_stay_who_they_are() -> None:
    for sender in ("", "grace@example.org"):
        assert carried(sender, {FAR: LED}, FAR) == ([(sender, [FAR])], {FAR: ""})


def test_a_sender_that_would_be_too_long_stays_and_that_is_noted() -> None:
    assert carried("long@x.example", {FAR: LED}, FAR) == (
        [("long@x.example", [FAR])],
        {FAR: "too-long"},
    )
