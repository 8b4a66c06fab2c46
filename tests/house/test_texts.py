"""Every cause and code has every text in every language, and no translation is stale."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from string import Formatter
from typing import Any

import pytest

from ulak.replies import stale, texts
from ulak.replies.catalog import CATALOG

OTHERS = texts.languages()[1:]
PARTS = stale.PARTS
FILES = [(language, part) for language in texts.languages() for part in PARTS]
CAUSE_KEYS = {"title", "means", "seen_when", "fix_sender", "fix_operator"}
NAMES = {"title", "name"}  # a name is no sentence
PLACE = re.compile(r"\{([a-z_]+)\}")
_TWICE = re.compile(r"\b([^\W\d_]+) \1\b")
# "Again and again", "letter by letter", "often", "slowly".
_TWICE_MEANT = {"tekrar", "harf", "sık", "ağır"}
_CODE = re.compile(r"`[^`]*`")
_SLIP = re.compile(r"\s\s|\s[,.;:!?](\s|$)|\.\.")


def leaves(language: str, part: str) -> Iterator[tuple[str, str, str]]:
    """Give every text as (its table, its key, itself)."""
    for (kind, name), entry in stale.tables(language, part).items():
        for key, value in entry.items():
            if key == "of":
                continue
            for text in value if isinstance(value, list) else [value]:
                yield f"{kind}.{name}", key, text


def shape(entry: dict[str, Any]) -> dict[str, Any]:
    """Say of each key how many texts it has and which places stand in it."""
    return {
        key: (
            len(value) if isinstance(value, list) else None,
            Counter(PLACE.findall(str(value))),
        )
        for key, value in entry.items()
        if key != "of"
    }


def test_there_are_english_and_turkish() -> None:
    assert {"en", "tr"} <= set(texts.languages())


@pytest.mark.parametrize("language", texts.languages())
def test_the_texts_are_of_the_causes_of_the_catalog(language: str) -> None:
    written = {name for kind, name in stale.tables(language, "") if kind == "cause"}
    missing, idle = CATALOG.keys() - written, written - CATALOG.keys()
    assert not missing, f"causes without texts in texts/{language}.toml"
    assert not idle, f"texts in texts/{language}.toml for causes that do not exist"


@pytest.mark.parametrize("name", CATALOG)
def test_a_cause_has_every_text_and_no_fact_that_its_words_do_not_have(name: str) -> None:
    entry = dict(texts.cause_template(name))
    assert entry.keys() == CAUSE_KEYS
    assert entry["fix_sender"], "where nothing is to do, say so"
    assert entry["fix_operator"], "where nothing is to do, say so"
    facts = {fact for _, fact, _, _ in Formatter().parse(CATALOG[name].words) if fact}
    assert set(PLACE.findall(str(entry))) <= facts


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_has_the_same_texts_with_the_same_places(language: str, part: str) -> None:
    english, other = stale.tables("en", part), stale.tables(language, part)
    assert english.keys() == other.keys()
    for name, entry in english.items():
        assert shape(entry) == shape(other[name]), name


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_older_than_its_original(language: str, part: str) -> None:
    assert not stale.stale(language, part), (
        "read these tables again, then run: python -m ulak.replies.stale --reviewed"
    )


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("language", OTHERS)
def test_nothing_was_left_in_english(language: str, part: str) -> None:
    english = {text for _, _, text in leaves("en", part) if len(text) > 3}
    left = {
        (name, key, text)
        for name, key, text in leaves(language, part)
        # What is all codes and addresses is the same in every language.
        if text in english and re.search(r"[a-z]{3}", re.sub(r"`[^`]*`|\{[^}]*\}", "", text))
    }
    assert not left


@pytest.mark.parametrize(("language", "part"), FILES)
def test_texts_are_whole_sentences_without_slips(language: str, part: str) -> None:
    for name, key, text in leaves(language, part):
        where = f"{language}{part}: {name}.{key}: {text}"
        assert text == text.strip(), where
        assert not _SLIP.search(_CODE.sub("`", text)), where
        assert set(_TWICE.findall(text.lower())) <= _TWICE_MEANT, where
        if part == ".pages":
            continue
        assert (text[-1] in ".!?”]") is (key not in NAMES), where
        # A capital, or a letter of a script that has none.
        assert text[0] in "[`@“" or (text[0].isalnum() and not text[0].islower()), where


@pytest.mark.parametrize(("language", "part"), FILES)
def test_choices_are_well_formed_and_places_stand_only_in_them(language: str, part: str) -> None:
    for name, key, text in leaves(language, part):
        where = f"{language}{part}: {name}.{key}: {text}"
        bare = re.sub(r"\[[^\[\]|]*\{[a-z_]+\}[^\[\]|]*(\|[^\[\]|{}]*)\]", "", text)
        assert not set(bare) & set("[]|"), where
        if part != ".pages":
            assert not PLACE.search(bare), where


@pytest.mark.parametrize("language", texts.languages())
@pytest.mark.parametrize("name", CATALOG)
def test_a_cause_reads_well_with_its_facts_and_without(name: str, language: str) -> None:
    facts = {fact: "X1" for _, fact, _, _ in Formatter().parse(CATALOG[name].words) if fact}
    bare = texts.cause(name, language)
    for text in (bare, bare.with_facts(facts)):
        for sentence in (
            text.title,
            text.means,
            text.seen_when,
            *text.fix_sender,
            *text.fix_operator,
        ):
            assert not _SLIP.search(_CODE.sub("`", sentence)), sentence
            assert not re.search(r"[\[\]{}|]|^[a-zçğıöşü]", sentence), sentence
            assert sentence == sentence.strip()


def test_turkish_is_written_with_turkish_letters() -> None:
    for part in PARTS:
        for name, key, text in leaves("tr", part):
            where = f"{name}.{key}: {text}"
            assert not re.search(r"[âîû](?<!â)|\u0307", text), where
            if len(text) > 80:
                assert re.search(r"[çğıöşü]", text), where


def test_a_changed_original_is_found_and_a_review_is_noted() -> None:
    entry = dict(texts.cause_template("null-mx"))
    assert stale.digest(entry) == texts.cause_template("null-mx", "tr")["of"]
    assert stale.digest({**entry, "title": "Something else"}) != stale.digest(entry)
    assert stale.reviewed("tr", "") == (stale.FOLDER / "tr.toml").read_text(encoding="utf-8")
