"""The page of all settings is fresh in every language, and every setting is on it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.house.repository import SOURCE

from ulak.config.mistake import TEXTS, pattern_name
from ulak.config.reference import file_name, main, page
from ulak.config.sections import every
from ulak.config.settings import Config
from ulak.language import LANGUAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_settings_is_fresh(language: str) -> None:
    assert (DOCS / file_name(language)).read_text("utf-8") == page(language), "run `make docs`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_setting_has_its_words_and_no_words_lack_a_setting(language: str) -> None:
    names = {name.removeprefix("setting.") for name in TEXTS.all(language) if "setting." in name}
    assert names == {pattern_name(path) for path, _ in every(Config)}


def test_the_page_is_written_in_every_language(tmp_path: Path) -> None:
    main(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == set(map(file_name, LANGUAGES))


def test_every_setting_has_an_effect() -> None:
    """The composition root is who hands settings on: what it never reads does nothing."""
    read = {
        node.attr
        for module in (SOURCE / "app").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
    idle = {pattern_name(path) for path, row in every(Config) if row.attribute not in read}
    assert not idle
