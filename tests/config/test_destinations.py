"""What a configuration says of single destinations."""

from __future__ import annotations

from pathlib import Path

import pytest

from ulak import config


def load(folder: Path, text: str) -> config.Config:
    file = folder / "ulak.toml"
    file.write_text(f'[[listener]]\naddress = "127.0.0.1:0"\n{text}\n', "utf-8")
    return config.load(file)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Example.NET", "example.net"),
        ("*.Example.net", "*.example.net"),
        ("mx1.example.net", "mx1.example.net"),
    ],
)
def test_a_destination_has_a_name_or_the_end_of_one(
    tmp_path: Path, written: str, read: str
) -> None:
    found = load(tmp_path, f'[destinations."{written}"]\ntls = "verify"')
    assert found.destinations[read].tls == "verify"


@pytest.mark.parametrize("name", ["*", "*.", "mx*.example.net", "192.0.2.1", "a.*.example.net"])
def test_what_can_be_the_name_of_no_destination_is_a_mistake(tmp_path: Path, name: str) -> None:
    with pytest.raises(config.ConfigError):
        load(tmp_path, f'[destinations."{name}"]\ntls = "verify"')


def test_tls_is_one_of_a_few_words(tmp_path: Path) -> None:
    with pytest.raises(config.ConfigError):
        load(tmp_path, '[destinations."example.net"]\ntls = "required"')
    assert load(tmp_path, '[destinations."example.net"]').destinations["example.net"].tls == "auto"
