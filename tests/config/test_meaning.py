"""What a setting is for is known at every path that a configuration can have."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.everything import EVERYTHING

from ulak import config
from ulak.config.lines import Path as At
from ulak.config.meaning import meaning, pattern_of
from ulak.config.show import Shown


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        (("hostname",), ("hostname",)),
        (("listener", 1, "tls", "mode"), ("listener", "[]", "tls", "mode")),
        (("domains", "example.org", "deliver"), ("domains", "*", "deliver")),
        (("domains", "example.org", "moved", "old"), ("domains", "*", "moved", "*")),
        (("route", "*"), ("route", "*")),
    ],
)
def test_the_pattern_of_a_path_leaves_out_what_the_user_chose(path: At, pattern: At) -> None:
    assert pattern_of(path) == pattern


@pytest.mark.parametrize("language", ["en", "tr", "ar"])
def test_every_setting_in_force_says_what_it_is_for(tmp_path: Path, language: str) -> None:
    file = tmp_path / "ulak.toml"
    file.write_text(EVERYTHING, "utf-8")
    for key, _, _, means, about in Shown(config.read(file), language).rows():
        assert means, key
        assert bool(about) is ("." in key or "[" in key), key


def test_an_entry_of_a_table_is_for_what_the_table_is_for() -> None:
    assert meaning(("domains", "x.example", "moved", "old"), "en").startswith(
        "Names that have gone"
    )
    assert meaning(("nothing",), "en") == ""


def test_a_meaning_leads_to_no_file_of_the_documentation() -> None:
    assert meaning(("web",), "en").startswith("The web pages and the API. Without")
    assert "](" not in meaning(("why",), "tr") + meaning(("login",), "ar")
