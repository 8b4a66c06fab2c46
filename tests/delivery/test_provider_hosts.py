"""What is known of a provider holds for the connections to its hosts, and for what they say."""

from __future__ import annotations

import pytest
from tests.delivery.carrying import ADA, carrier, message, run

from ulak.delivery.byname import ByName
from ulak.delivery.outcome import Result
from ulak.delivery.target import Host, Target, Way
from ulak.lab.mx import Behaviour, ScriptedServer


@pytest.mark.parametrize(
    ("settings", "sessions"),
    [
        ({}, [20, 20, 5]),
        ({"messages_per_connection": 1000}, [20, 20, 5]),
        ({"messages_per_connection": 15}, [15, 15, 15]),
        ({"per_connection": ByName({"*.yahoodns.net": 30})}, [30, 15]),
        ({"per_connection": ByName({"mx.example": 2})}, [20, 20, 5]),
    ],
)
def test_a_connection_has_as_many_messages_as_its_provider_wants_or_the_operator_says(
    settings: dict[str, object], sessions: list[int]
) -> None:
    async def main() -> None:
        async with ScriptedServer() as mx:
            sender = carrier(**settings)
            host = Host("mta5.am0.yahoodns.net", ("127.0.0.1",), mx.port)
            target = Target(Way.SMTP, "yahoo", (host,))
            for _ in range(45):
                (outcome,) = await sender.carry(message(), (ADA,), target)
                assert outcome.result is Result.DELIVERED
            await sender.close()
            assert [len(s.taken) for s in mx.sessions] == sessions

    run(main)


def test_the_words_of_a_provider_are_known_by_its_host_where_they_do_not_show_it() -> None:
    async def main() -> None:
        said = "421 4.7.0 Error: too many errors"
        async with ScriptedServer(Behaviour(at={"MAIL": said})) as mx:
            sender = carrier()
            host = Host("mx01.mail.icloud.com", ("127.0.0.1",), mx.port)
            target = Target(Way.SMTP, "apple", (host,))
            (outcome,) = await sender.carry(message(), (ADA,), target)
            await sender.close()
            assert (outcome.cause, outcome.pattern) == ("too-many-errors", "apple:errors")

    run(main)
