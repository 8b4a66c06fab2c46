"""The tour notices what goes wrong and says it, and its words are whole in every language."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path
from string import Formatter
from types import TracebackType
from typing import Self

import pytest

from ulak.cli.demo.client import Client, ConversationError
from ulak.cli.demo.command import tour
from ulak.cli.demo.day import DAY
from ulak.cli.demo.scene import TEXTS, Check, Talk
from ulak.cli.demo.show import Shower
from ulak.cli.demo.stage import Stage
from ulak.cli.demo.steps import STEPS, malformed, vrfy
from ulak.lab.mx import CLOSE, Act, Behaviour, ScriptedServer
from ulak.language import FALLBACK, LANGUAGES


class Elsewhere(Stage):
    """A stage on which a server plays Ulak that is none."""

    def __init__(self, folder: Path, server: ScriptedServer) -> None:
        super().__init__(folder)
        self._server = server

    async def __aenter__(self) -> Self:
        self.port = await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.stop()


def played(folder: Path, behaviour: Behaviour, *steps: str, as_json: bool, lang: str = "en") -> int:
    stage = Elsewhere(folder, ScriptedServer(behaviour))
    known = {"vrfy": vrfy, "malformed": malformed}
    return asyncio.run(tour(stage, lang, as_json=as_json, steps={n: known[n] for n in steps}))


def test_a_step_that_goes_wrong_is_told_to_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    behaviour = Behaviour(at={"VRFY": Act("250 2.1.5 <ada@example.org>", times=1)})
    assert played(tmp_path, behaviour, "vrfy", "malformed", as_json=True) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    wrong = [check for check in first["checks"] if not check["ok"]]
    assert [check["name"] for check in wrong] == ["withheld", "same"]
    assert wrong[0]["came"] == "250 2.1.5 <ada@example.org>"
    assert (first["ok"], second["ok"]) == (False, False)
    assert "250 2.0.0 Taken" in [check["came"] for check in second["checks"]]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_person_reads_what_was_expected_and_what_came(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    behaviour = Behaviour(at={"VRFY": "250 2.1.5 Yes\x1b[2J"})
    assert played(tmp_path, behaviour, "vrfy", as_json=False, lang=lang) == 1
    told = " ".join(capsys.readouterr().out.split())
    expected = TEXTS.say(lang, "vrfy.expect.withheld")
    assert "✗ " + TEXTS.say(lang, "tour.expected", expected=expected) in told
    assert TEXTS.say(lang, "tour.came", came="250 2.1.5 Yes\\u001b[2J") in told
    assert "\x1b" not in told
    assert TEXTS.say(lang, "tour.not-well", count=1, failed=1) in told


def test_a_dialogue_that_breaks_off_fails_its_step_and_the_tour_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    behaviour = Behaviour(at={"VRFY": Act(close=True, times=1)})
    assert played(tmp_path, behaviour, "vrfy", "malformed", as_json=True) == 1
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    (check,) = first["checks"]
    assert check["name"] == "dialogue"
    assert "VRFY ada@example.org" in check["came"]
    assert len(second["checks"]) > 1


def test_the_client_keeps_the_dialogue_of_both_sides() -> None:
    async def main() -> None:
        async with ScriptedServer(Behaviour(extensions=("HELP",))) as server:
            async with Client(server.port) as client:
                assert await client.hear() == "220 mx.example.net ESMTP Lab"
                assert await client.say("EHLO me") == "250-mx.example.net\n250 HELP"
            assert client.lines == [
                "S: 220 mx.example.net ESMTP Lab",
                "C: EHLO me",
                "S: 250-mx.example.net",
                "S: 250 HELP",
            ]

    asyncio.run(main())


@pytest.mark.parametrize("octets", [b"", b"220 endless", b"220-one\r\n"])
def test_a_server_that_closes_in_the_middle_of_a_reply_is_an_error(octets: bytes) -> None:
    async def main() -> None:
        behaviour = Behaviour(at={"connect": Act(raw=octets, close=True) if octets else CLOSE})
        async with ScriptedServer(behaviour) as server, Client(server.port) as client:
            with pytest.raises(ConversationError):
                await client.hear()

    asyncio.run(main())


def test_nobody_listening_is_an_error_of_the_conversation() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]

    async def main() -> None:
        with pytest.raises(ConversationError):
            await Client(port).__aenter__()

    asyncio.run(main())


def test_what_a_server_can_do_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ("C: EHLO me", "S: 250-mx", "S: 250-SIZE", "S: 250 HELP", "C: NOOP", "S: 250 Yes")
    Shower("en", fold=True)(Talk(lines))
    shown = capsys.readouterr().out.split("\n")
    assert shown[1:-1] == [f"  {line}" for line in (*lines[:2], "S: …", *lines[4:])]
    Shower("en", fold=False)(Talk(lines))
    assert capsys.readouterr().out.split("\n")[1:-1] == [f"  {line}" for line in lines]


def test_a_long_line_of_a_dialogue_goes_on_below_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    Shower("en", fold=False)(Talk(("S: 554 5.7.1 No mail is taken from 127.0.0.66",)))
    Shower("en", fold=False)(
        Check("x", "One two three four five six seven eight nine.", "", ok=True)
    )
    assert capsys.readouterr().out == (
        "\n  S: 554 5.7.1 No mail is taken from\n     127.0.0.66\n"
        "\n  ✓ One two three four five six seven\n    eight nine.\n"
    )


# -- the words ---------------------------------------------------------------------------------


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_places(language: str) -> None:
    own, original = TEXTS.all(language), TEXTS.all(FALLBACK)
    assert list(own) == list(original)
    for name, text in own.items():
        assert places(text) == places(original[name]), name
        assert language == FALLBACK or text != original[name] or name.endswith("tag"), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_step_says_or_looks_at_has_its_words(language: str) -> None:
    """Also what is said only when something goes wrong."""
    known = TEXTS.all(language)
    for steps in (STEPS, DAY):
        source = Path(next(iter(steps.values())).__code__.co_filename).read_text("utf-8")
        parts = re.split(r"^async def (?!_)", source, flags=re.MULTILINE)[1:]
        for name, whole in zip(steps, parts, strict=True):
            part = re.split(r"^(?:async )?def _", whole, flags=re.MULTILINE)[0]
            assert part.startswith(f"{name}(")
            assert {f"{name}.title", f"{name}.tag"} <= set(known)
            wanted = {
                f"expect.{check}" for check in re.findall(r'scene\.check\(\s*"([\w-]+)"', part)
            }
            wanted |= {"expect.dialogue", *re.findall(r'scene\.(?:say|quote)\(\s*"([\w-]+)"', part)}
            wanted |= set(re.findall(r'scene\.talk\([^"()]*"(\w+)"', part))
            wanted |= {"attempt"} if "_show(scene" in part else set()
            missing = {text for text in wanted if f"{name}.{text}" not in known}
            assert not missing, name
            idle = {
                text
                for text in known
                if text.startswith(f"{name}.") and text.removeprefix(f"{name}.") not in wanted
            }
            assert idle == {f"{name}.title", f"{name}.tag"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_whole_sentences(language: str) -> None:
    for name, text in TEXTS.all(language).items():
        if ".expect." in name or name.endswith(".before"):
            assert text.endswith("."), name
            assert "  " not in text, name
