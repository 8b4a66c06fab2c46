"""Every command is lazy, every error a sentence, every exit code as the interface says."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ulak import __version__
from ulak.cli import COMMANDS, main
from ulak.cli.dress import TEXTS, dress, find, option_names
from ulak.cli.frame import Failure, Ulak
from ulak.cli.language import asked_for
from ulak.language import FALLBACK, LANGUAGES


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


def ulak(*words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Ran:
    """Run the real command in a process of its own."""
    locale = {k: v for k, v in os.environ.items() if k not in ("LC_ALL", "LC_MESSAGES", "LANG")}
    done = subprocess.run(
        [sys.executable, "-m", "ulak", *words],
        env={**locale, "LC_ALL": "C.UTF-8", **(env or {})},
        cwd=cwd,
        capture_output=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def run(group: Ulak, words: Sequence[str], env: Mapping[str, str] | None = None) -> Ran:
    """Run a group in this process."""
    done = CliRunner(env={"LC_ALL": "C", **(env or {})}).invoke(group, list(words))
    return Ran(done.exit_code, done.stdout, done.stderr)


@click.group()
def odd() -> None:
    """Behave oddly, for tests."""


@odd.command()
def fail() -> None:
    """Say that something cannot be done."""
    message = "It cannot be done; do another thing."
    raise Failure(message)


@odd.command()
def finding() -> int:
    """End with a finding."""
    return 1


@odd.command()
def crash() -> None:
    """Break."""
    message = "a secret"
    raise ValueError(message)


@odd.command()
@click.argument("file")
def touch(file: str) -> None:
    """Open a file that is not there."""
    Path(file).open(encoding="utf-8").close()


@odd.command()
def interrupt() -> None:
    """Be interrupted."""
    raise KeyboardInterrupt


ODD = Ulak({"odd": f"{__name__}:odd"})


def test_a_failure_is_its_sentence_and_code_1() -> None:
    assert run(ODD, ["odd", "fail"]) == Ran(1, "", "It cannot be done; do another thing.\n")


def test_a_finding_is_code_1() -> None:
    assert run(ODD, ["odd", "finding"]) == Ran(1, "", "")


def test_an_error_inside_is_one_sentence_without_the_text_of_the_exception() -> None:
    ran = run(ODD, ["odd", "crash"])
    assert ran.code == 1
    assert "ValueError" in ran.err
    assert "secret" not in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1
    assert run(ODD, ["odd", "crash"]).err == ran.err  # the same error has the same id


def test_a_traceback_is_shown_to_who_asks() -> None:
    ran = run(ODD, ["odd", "crash"], {"ULAK_TRACEBACK": "1"})
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert "secret" in ran.err


def test_a_file_that_cannot_be_used_is_named() -> None:
    ran = run(ODD, ["odd", "touch", "/nowhere/at/all"])
    assert ran == Ran(2, "", "/nowhere/at/all cannot be used: No such file or directory.\n")


def test_the_list_of_a_groups_commands_cuts_no_sentence() -> None:
    for language in ("en", "tr"):
        ran = run(main, ["queue", "--help", "--lang", language])
        assert ran.out.count("...") == 1, "only the line of usage has dots"


def test_an_interrupt_is_quiet() -> None:
    assert run(ODD, ["odd", "interrupt"]) == Ran(130, "", "\n")  # closes the line of ^C


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["od"], "There is no command od here; did you mean odd?"),
        (["x"], "There is no command x here; `ulak --help` shows those there are."),
        (["odd", "tuch"], "There is no command tuch here; did you mean touch?"),
        (["odd", "touch"], "FILE has to be given; `ulak odd touch --help` shows how."),
        (["odd", "fail", "--langg"], "There is no option --langg here; `ulak odd fail --help`"),
        (["--vers"], "There is no option --vers here; did you mean --version?"),
        (["--lang", "de"], f"--lang takes one of these: {', '.join(LANGUAGES)}."),
        (["odd", "fail", "x"], "The command line is not understood (Got unexpected extra"),
    ],
)
def test_wrong_usage_is_one_sentence_and_code_2(words: list[str], sentence: str) -> None:
    ran = run(ODD, words)
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.startswith(sentence)
    assert ran.err.count("\n") == 1


def test_wrong_usage_is_told_in_turkish_to_who_asks_for_it() -> None:
    ran = run(ODD, ["odd", "tuch", "--lang", "tr"])
    assert ran.err == "Burada tuch diye bir komut yok; touch mi demek istediniz?\n"
    assert run(ODD, ["od"], {"LC_ALL": "tr_TR.UTF-8"}).err.startswith("Burada od diye")


def test_without_a_command_the_help_is_shown_as_an_error() -> None:
    ran = run(ODD, [])
    assert ran.code == 2
    assert "odd" in ran.err


def test_help_speaks_the_language_and_can_change_it() -> None:
    assert "Seçenekler:" in run(main, ["--lang=tr", "--help"]).out
    assert (
        "Kullanım: ulak config [SEÇENEKLER]" in run(main, ["config", "--help", "--lang", "tr"]).out
    )
    assert "Usage: ulak config [OPTIONS]" in run(main, ["config", "--help"]).out


def test_the_language_comes_from_the_option_then_from_the_locale() -> None:
    assert asked_for(["x", "--lang", "tr"], {}) == "tr"
    assert asked_for(["--", "--lang", "tr"], {}) == "en"
    assert asked_for(["--lang", "de"], {"LANG": "tr_TR.UTF-8"}) == "tr"
    assert asked_for([], {"LANG": "tr_TR.UTF-8", "LC_ALL": "de_DE"}) == "en"
    assert asked_for([], {"LANG": "tr", "LC_MESSAGES": "", "LC_ALL": ""}) == "tr"
    assert asked_for([], {}) == "en"


def test_version_and_help_import_no_room() -> None:
    code = (
        "import sys\n"
        "from ulak.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "rooms = {m.split('.')[1] for m in sys.modules if m.startswith('ulak.')}\n"
        "sys.exit(sorted(rooms - {'cli', 'language'}) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reader_that_has_enough_ends_a_command_quietly() -> None:
    shell = f"{sys.executable} -m ulak config check --json; echo $? >&2"
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run(["sh", "-c", shell], stdout=gone, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b"0\n"


@pytest.mark.parametrize("name", main.list_commands(click.Context(main)))
def test_every_command_that_is_listed_can_be_imported(name: str) -> None:
    module, _, attribute = COMMANDS[name].partition(":")
    assert isinstance(getattr(importlib.import_module(module), attribute), click.Command)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Give every command and subcommand by its path."""
    context = click.Context(main)
    waiting: list[tuple[str, click.Command]] = []
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        dress(command, name, FALLBACK)
        waiting.append((name, command))
    while waiting:
        path, command = waiting.pop()
        yield path, command
        if isinstance(command, click.Group):
            waiting += [(f"{path} {name}", inner) for name, inner in command.commands.items()]


@pytest.mark.parametrize("language", ["en", "tr", "ar"])
def test_the_list_of_commands_says_of_each_what_it_does(language: str) -> None:
    listed = ulak("--help", "--lang", language).out.splitlines()
    named = {line.split()[0]: line.split()[1:] for line in listed if line[2:3].strip()}
    assert [name for name in COMMANDS if not named[name]] == []


def test_every_command_and_option_has_help_in_every_language() -> None:
    missing = []
    for path, command in commands():
        for language in LANGUAGES:
            own = language == FALLBACK and command.help
            if not own and not TEXTS.find(language, f"help.{path}"):
                missing.append(f'{language}.toml: [help] "{path}"')
            for param in command.params:
                if not isinstance(param, click.Option) or param.hidden:
                    continue
                own = language == FALLBACK and param.__dict__.get("ulak_own_help")
                if not own and not find(option_names(path, param), language):
                    missing.append(f'{language}.toml: [option."{path}"] {param.opts[-1]}')
    assert not missing, "add to src/ulak/cli/texts/en.toml, then `make translations`: " + "; ".join(
        missing
    )


def test_every_text_of_the_frame_is_there_in_every_language() -> None:
    def shared(language: str) -> set[str]:
        return {n for n in TEXTS.all(language) if n.split(".")[0] in ("error", "usage", "config")}

    assert shared("en") == shared("tr")


def test_python_m_ulak_is_ulak() -> None:
    assert ulak("--version") == Ran(0, f"ulak {__version__}\n", "")


def test_config_check_tells_every_mistake_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "ulak.toml").write_text("workers = 0\nfoo = 1\n", "utf-8")
    ran = ulak("config", "check", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert [line[:14] for line in ran.err.splitlines()] == ["ulak.toml:1: w", "ulak.toml:2: f"]


def test_config_check_gives_json(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("workers = 0\n", "utf-8")
    ran = ulak("config", "check", "--json", "--lang", "tr", "--config", str(file))
    assert ran.code == 2
    found = json.loads(ran.out)
    assert found["ok"] is False
    assert found["mistakes"][0]["key"] == "workers"
    assert found["mistakes"][0]["line"] == 1
    assert found["mistakes"][0]["reason"].startswith("Buraya")


def test_config_check_of_the_embedded_default_is_in_order(tmp_path: Path) -> None:
    assert ulak("config", "check", cwd=tmp_path) == Ran(
        0, "The embedded default is in order.\n", ""
    )


def test_a_configuration_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = ulak("config", "check", "--config", "none.toml", cwd=tmp_path)
    assert ran.code == 2
    assert ran.err.startswith("none.toml: There is no such file")
