"""What is in force is shown as TOML that means the same when it is read again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from click.testing import CliRunner
from tests.config.everything import EVERYTHING

from ulak import config
from ulak.cli import main
from ulak.config.show import Shown, toml


def shown(folder: Path, text: str, language: str = "en") -> str:
    file = folder / "ulak.toml"
    file.write_text(text, "utf-8")
    return Shown(config.read(file), language).text()


def test_what_is_shown_is_read_as_the_same(tmp_path: Path) -> None:
    text = shown(tmp_path, EVERYTHING)
    again = tmp_path / "elsewhere" / "again.toml"
    again.parent.mkdir()
    again.write_text(text, "utf-8")
    first, second = config.load(tmp_path / "ulak.toml"), config.load(again)
    assert dataclasses.replace(second, file=first.file) == first


def test_the_embedded_default_is_shown_and_read_as_the_same(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(Shown(config.read(None)).text(), "utf-8")
    first, second = config.load(None), config.load(file)
    assert second.data == first.data.absolute()
    assert dataclasses.replace(second, file=None, data=first.data) == first


def test_every_value_says_where_it_comes_from(tmp_path: Path) -> None:
    lines = shown(tmp_path, '\n[domains.A]\nmailboxes = ["X"]\n')
    assert f'mailboxes = ["x"]  # {tmp_path}/ulak.toml:3\n' in lines
    assert 'vrfy = "withhold"  # default\n' in lines
    given = Shown(config.read(None, Path("/elsewhere"))).text()
    assert 'data = "/elsewhere"  # --data\n' in given
    assert 'hostname = "localhost"  # embedded default\n' in given


def test_the_sources_are_told_in_the_language_of_the_user(tmp_path: Path) -> None:
    assert 'vrfy = "withhold"  # varsayılan\n' in shown(tmp_path, "", "tr")


def test_no_file_name_can_end_a_comment(tmp_path: Path) -> None:
    odd = tmp_path / 'odd\nhostname = "evil"'
    odd.write_text("workers = 1", "utf-8")
    assert '\nhostname = "evil"' not in Shown(config.read(odd)).text()


def test_passwords_are_hidden() -> None:
    assert toml("postgresql://user:secret@host/x") == '"postgresql://user:***@host/x"'


def test_json_has_the_values_and_their_sources(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text('[policy]\nmax_message_size = "1MB"\n', "utf-8")
    done = CliRunner().invoke(main, ["config", "show", "--json", "--config", str(file)])
    found = json.loads(done.stdout)
    assert found["settings"]["policy"]["max_message_size"] == "1MB"
    assert found["sources"]["policy.max_message_size"] == {"from": str(file), "line": 2}
    assert "policy.vrfy" not in found["sources"]
