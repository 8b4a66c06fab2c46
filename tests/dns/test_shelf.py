"""Answers that servers have together: who has one there does not ask, and nobody waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import psycopg
import pytest
from tests.delivery.postgres import prepared
from tests.postgresql import PostgresServer

from ulak.database.line import Line
from ulak.dns.cache import Cache
from ulak.dns.postgres import PostgresShelf
from ulak.dns.records import Answer, Status
from ulak.dns.shelf import Question, ShelfError, ShelvingResolver

LISTED = Answer(
    "2.0.0.127.list.example", "A", Status.OK, ("127.0.0.2", "127.0.0.4"), 300, "list.example"
)
REASON = Answer("2.0.0.127.list.example", "TXT", Status.OK, (b"listed\0\xff",), 300, "list.example")
CLEAN = Answer("9.0.0.127.list.example", "A", Status.NXDOMAIN, (), 60, "9.0.0.127.list.example")
SILENT = Answer("8.0.0.127.list.example", "A", Status.TIMEOUT)
ALL = {(one.name, one.kind): one for one in (LISTED, REASON, CLEAN, SILENT)}


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Own:
    """Who asks the servers, each question for some time."""

    time: Time
    takes: float = 0.05
    asked: list[Question] = field(default_factory=list)
    cache: Cache = field(default_factory=Cache)

    def known(self, name: str, kind: str) -> Answer | None:
        return self.cache.get(name, kind, self.time())

    def keep(self, answer: Answer) -> None:
        self.cache.put(answer, self.time())

    async def resolve(self, name: str, kind: str) -> Answer:
        self.asked.append((name, kind))
        self.time.now += self.takes
        self.keep(ALL[name, kind])
        return ALL[name, kind]


@dataclass
class MemoryShelf:
    """In memory."""

    time: Time
    takes: float = 0.001
    answers: dict[Question, Answer] = field(default_factory=dict)
    looks: list[int] = field(default_factory=list)
    broken: bool = False
    hangs: bool = False

    async def find(self, questions: Sequence[Question]) -> Mapping[Question, Answer]:
        self.looks.append(len(questions))
        self.time.now += self.takes
        if self.hangs:
            await asyncio.sleep(60)
        if self.broken:
            raise ShelfError
        return {one: self.answers[one] for one in questions if one in self.answers}

    async def leave(self, answers: Sequence[Answer]) -> None:
        if self.broken:
            raise ShelfError
        self.answers |= {(one.name, one.kind): one for one in answers}


async def _ask(resolver: ShelvingResolver, *answers: Answer) -> list[Answer]:
    return list(await asyncio.gather(*(resolver.resolve(a.name, a.kind) for a in answers)))


def test_what_one_has_asked_the_others_do_not_ask() -> None:
    async def main() -> None:
        time = Time()
        shelf = MemoryShelf(time)
        one, other = Own(time), Own(time)
        first, second = (ShelvingResolver(own, shelf, time) for own in (one, other))
        assert await _ask(first, LISTED, CLEAN) == [LISTED, CLEAN]
        await first.close()
        assert await _ask(second, LISTED, CLEAN) == [LISTED, CLEAN]
        assert (len(one.asked), len(other.asked)) == (2, 0)
        looks = len(shelf.looks)
        assert await _ask(second, LISTED) == [LISTED]  # by itself, now
        assert len(shelf.looks) == looks
        await second.close()

    asyncio.run(main())


def test_who_could_not_be_asked_is_asked_again() -> None:
    async def main() -> None:
        time = Time()
        shelf = MemoryShelf(time)
        resolver = ShelvingResolver(Own(time), shelf, time)
        assert await _ask(resolver, SILENT) == [SILENT]
        await resolver.close()
        assert not shelf.answers

    asyncio.run(main())


def test_questions_of_one_moment_are_one_look() -> None:
    async def main() -> None:
        time = Time()
        shelf = MemoryShelf(time)
        resolver = ShelvingResolver(Own(time), shelf, time)
        await _ask(resolver, LISTED, REASON, CLEAN, LISTED)
        assert shelf.looks == [3]
        await resolver.close()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["broken", "hangs"])
def test_a_shelf_that_is_away_is_in_nobodys_way(how: str) -> None:
    async def main() -> None:
        time = Time()
        shelf = MemoryShelf(time, broken=how == "broken", hangs=how == "hangs")
        own = Own(time)
        resolver = ShelvingResolver(own, shelf, time)
        async with asyncio.timeout(5):
            assert await _ask(resolver, LISTED) == [LISTED]
            assert await _ask(resolver, CLEAN) == [CLEAN]
        assert len(shelf.looks) == 1  # it is left alone for a while
        shelf.broken = shelf.hangs = False
        time.now += 10.0
        if how == "broken":
            assert await _ask(resolver, REASON) == [REASON]
            assert len(shelf.looks) == 2
        await resolver.close()

    asyncio.run(main())


def test_nobody_looks_where_asking_is_cheaper() -> None:
    async def main() -> None:
        time = Time()
        shelf, own = MemoryShelf(time, takes=0.01), Own(time, takes=0.001)
        resolver = ShelvingResolver(own, shelf, time)
        for _ in range(40):
            own.cache = Cache()
            shelf.answers.clear()
            await _ask(resolver, LISTED)
        assert len(shelf.looks) < 5
        assert len(own.asked) == 40
        await resolver.close()

    asyncio.run(main())


def test_answers_come_out_of_the_database_as_they_went_in(database: PostgresServer) -> None:
    url = prepared(database.fresh())

    async def main() -> None:
        lines = Line(url, "one"), Line(url, "other")
        one, other = (PostgresShelf(line, most=3) for line in lines)
        await one.leave([LISTED, REASON, CLEAN, LISTED])
        keys = [(answer.name, answer.kind) for answer in (LISTED, REASON, CLEAN)]
        found = await other.find([*keys, ("nobody.example", "A")])
        assert list(found) != []
        for answer in (LISTED, REASON, CLEAN):
            got = found[answer.name, answer.kind]
            assert replace(got, ttl=answer.ttl) == answer
            assert answer.ttl - 5 <= got.ttl <= answer.ttl
        gone = replace(CLEAN, ttl=1)
        await one.leave([gone])
        assert (CLEAN.name, "A") not in await other.find(keys)
        many = [replace(CLEAN, name=f"{n}.list.example", ttl=100 + n) for n in range(20)]
        await other.leave(many)
        with psycopg.connect(url) as connection:
            left = connection.execute("SELECT name FROM ulak.dns_answer").fetchall()
        assert len(left) == 3
        for line in lines:
            await line.close()

    asyncio.run(main())


def test_a_database_that_cannot_be_reached_is_no_shelf() -> None:
    async def main() -> None:
        shelf = PostgresShelf(Line("postgresql://127.0.0.1:1/nowhere", "one"))
        with pytest.raises(ShelfError):
            await shelf.find([("a", "A")])
        with pytest.raises(ShelfError):
            await shelf.leave([LISTED])
        await shelf.close()

    asyncio.run(main())
