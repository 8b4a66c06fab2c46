"""The address that replies name: one of which every program makes a link, and not too long."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config
from ulak.config.mistake import ConfigError
from ulak.replies.refusal import LONGEST_ADDRESS


def loaded(folder: Path, address: str) -> str:
    file = folder / "ulak.toml"
    file.write_text(f"[why]\naddress = '{address}'\n", "utf-8")
    return config.load(file).why.address


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://mx.example.org/why/", "https://mx.example.org/why/"),
        ("https://mx.example.org/why", "https://mx.example.org/why/"),
        ("http://127.0.0.1:8025/why/", "http://127.0.0.1:8025/why/"),
        ("https://[2001:db8::1]/w/", "https://[2001:db8::1]/w/"),
        ("https://example.org/look?id=", "https://example.org/look?id="),
        ("", ""),
    ],
)
def test_an_address_is_taken_up_to_where_the_id_follows(
    tmp_path: Path, given: str, meant: str
) -> None:
    assert loaded(tmp_path, given) == meant


@pytest.mark.parametrize(
    "given",
    [
        "mx.example.org/why/",
        "ftp://mx.example.org/",
        "https://",
        "https:///why/",
        "https://ada:secret@mx.example.org/",
        "https://mx.example.org/a b/",
        "https://mx.example.org/#",
        "https://bücher.example/",
        "https://mx.example.org/(why)/",
        "https://mx.example.org/" + "w" * LONGEST_ADDRESS,
    ],
)
def test_what_is_none_is_told(tmp_path: Path, given: str) -> None:
    with pytest.raises(ConfigError, match=r"why\.address"):
        loaded(tmp_path, given)


def test_ids_are_there_unless_they_are_switched_off(tmp_path: Path) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text("")
    assert config.load(file).why == config.Config().why
    assert config.load(file).why.ids
