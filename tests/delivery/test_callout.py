"""A roster that is another server: what its answers mean, and that it is never sent mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ulak.delivery.callout import Asked, Callout
from ulak.rosters.roster import Answer, Known, RosterError


class Peer:
    """A server that says what it is told to say about each name."""

    def __init__(self, *, lmtp: bool = True, utf8: bool = True) -> None:
        self.lmtp = lmtp
        self.utf8 = utf8
        self.connections = 0
        self.heard: list[str] = []
        self.replies = {"ada": "250 2.1.5 Ok"}
        self.otherwise = "550 5.1.1 No such user"
        self.closes_after = 1000  # commands
        self.greeting = "220 peer"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        left = self.closes_after

        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say(self.greeting)
        try:
            while left and (line := (await reader.readline()).decode().strip()):
                left -= 1
                self.heard.append(line)
                verb = line[:4].upper()
                if verb in ("LHLO", "EHLO"):
                    known = (verb == "LHLO") is self.lmtp
                    say("250-peer\r\n250 SMTPUTF8" if self.utf8 else "250 peer") if known else say(
                        "500 5.5.1 What"
                    )
                elif verb == "RCPT":
                    name = line.partition("<")[2].partition("@")[0]
                    say(self.replies.get(name, self.otherwise))
                else:
                    say("250 2.0.0 Ok")
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


class Bench:
    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.now = 0.0
        self.told: list[bool] = []

    def run(
        self,
        work: Callable[[Callout], Awaitable[list[Answer]]],
        path: Path | None = None,
    ) -> list[Answer]:
        async def main() -> list[Answer]:
            if path is not None:
                server = await asyncio.start_unix_server(self.peer.serve, path)
                asked = Asked("example.org", "", 0, str(path), lmtp=True)
            else:
                server = await asyncio.start_server(self.peer.serve, "127.0.0.1", 0)
                port = server.sockets[0].getsockname()[1]
                asked = Asked("example.org", "127.0.0.1", port, lmtp=self.peer.lmtp)
            callout = Callout(
                asked, "mx.example.org", lambda: "nobody-1", lambda: self.now, self.told.append
            )
            async with server:
                try:
                    return await work(callout)
                finally:
                    await callout.close()

        return asyncio.run(main())

    def ask(self, *names: str, path: Path | None = None) -> list[Answer]:
        async def work(callout: Callout) -> list[Answer]:
            return [await callout.ask(f"{name}@example.org") for name in names]

        return self.run(work, path)

    def trouble(self, name: str) -> str:
        with pytest.raises(RosterError) as caught:
            self.ask(name)
        return str(caught.value).partition(" ")[2]


@pytest.mark.parametrize("lmtp", [True, False])
def test_one_connection_is_asked_one_question_after_another(*, lmtp: bool) -> None:
    bench = Bench(Peer(lmtp=lmtp))
    assert bench.ask("ada", "eve", "ada") == [Known(), None, Known()]
    assert bench.peer.connections == 1
    heard = bench.peer.heard
    assert heard[0] == ("LHLO" if lmtp else "EHLO") + " mx.example.org"
    assert heard[1:4] == ["MAIL FROM:<>", "RCPT TO:<ada@example.org>", "RSET"]
    assert set(heard[4:]) <= {
        "MAIL FROM:<>",
        *(f"RCPT TO:<{name}@example.org>" for name in ("ada", "eve", "nobody-1")),
        "RSET",
        "QUIT",
    }


def test_a_unix_socket_will_do(tmp_path: Path) -> None:
    bench = Bench(Peer())
    assert bench.ask("ada", "eve", path=tmp_path / "lmtp.sock") == [Known(), None]


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("250 Ok", Known()),
        ("251 will forward", Known()),
        ("550 no such user", None),
        ("551 5.1.6 moved", None),
        ("553 not here", None),
        ("550 5.1.10 no such recipient", None),
        ("550 5.2.1 disabled", None),
    ],
)
def test_what_says_yes_and_what_says_no(reply: str, answer: Answer) -> None:
    bench = Bench(Peer())
    bench.peer.replies["x"] = reply
    assert bench.ask("x") == [answer]


@pytest.mark.parametrize(
    "reply",
    [
        "450 4.2.1 later",
        "451 4.3.0 down",
        "421 4.3.2 bye",
        "550 5.7.1 your address is listed",
        "552 5.2.2 mailbox full",
        "530 5.7.0 log in first",
        "503 5.5.1 bad sequence",
        "554 go away",
        "354 go ahead",
        "nonsense",
    ],
)
def test_any_other_answer_is_trouble_and_refuses_nobody(reply: str) -> None:
    bench = Bench(Peer())
    bench.peer.replies["x"] = reply
    assert bench.trouble("x")


def test_a_server_that_is_not_one_or_wants_nobody_is_trouble() -> None:
    bench = Bench(Peer())
    bench.peer.greeting = "554 5.7.1 not you"
    assert bench.trouble("ada") == "said 554 5.7.1 not you to its greeting"
    bench.peer.greeting = "SSH-2.0-x"
    assert bench.trouble("ada")
    bench = Bench(Peer(lmtp=False))
    with pytest.raises(OSError, match=r"(?i)refused|connect"):
        asyncio.run(Callout(Asked("x", "127.0.0.1", 1), "mx", lambda: "n", lambda: 0.0).ask("a@x"))
    bench.peer.closes_after = 2
    assert bench.trouble("ada") == "closed the connection"


def test_a_connection_that_has_ended_meanwhile_is_opened_again() -> None:
    bench = Bench(Peer())
    bench.peer.closes_after = 7  # the greeting, one name, and nobody
    assert bench.ask("ada", "eve", "ada") == [Known(), None, Known()]
    assert bench.peer.connections > 1


def test_a_server_that_says_yes_to_everybody_is_found_out_once_an_hour() -> None:
    bench = Bench(Peer())

    async def work(callout: Callout) -> list[Answer]:
        answers = [await callout.ask("ada@example.org") for _ in range(3)]
        bench.peer.otherwise = "250 Ok"
        bench.now = 3700.0
        answers += [await callout.ask("eve@example.org") for _ in range(3)]
        bench.peer.otherwise = "550 5.1.1 no"
        bench.now = 7400.0
        return [*answers, await callout.ask("ada@example.org")]

    assert bench.run(work) == [Known()] * 7
    assert bench.told == [True, False]
    assert bench.peer.heard.count("RCPT TO:<nobody-1@example.org>") == 3


def test_letters_beyond_ascii_need_a_server_that_takes_them() -> None:
    bench = Bench(Peer())
    bench.peer.replies["çağrı"] = "250 Ok"
    assert bench.ask("çağrı") == [Known()]
    assert "MAIL FROM:<> SMTPUTF8" in bench.peer.heard
    assert "does not offer SMTPUTF8" in Bench(Peer(utf8=False)).trouble("çağrı")
