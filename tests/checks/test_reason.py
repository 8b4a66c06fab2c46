"""Every reason has its sentence in every language, and no sentence is idle."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

import ulak
from ulak.checks.reason import FOLDER, Reason, because, known, packed, unpacked, words
from ulak.replies import texts

SOURCE = Path(ulak.__file__).parent
PLACE = re.compile(r"\{([a-z_]+)\}")
CHECKS = sorted(file.stem for file in (FOLDER / "en").glob("*.toml"))


def made() -> dict[str, list[set[str]]]:
    """Give the keys that the code makes reasons of, and the names of the facts of each."""
    keys: dict[str, list[set[str]]] = {}
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "because":
                first = node.args[0]
                assert isinstance(first, ast.Constant), f"{file.name}:{node.lineno}: a literal key"
                names = {keyword.arg or "**" for keyword in node.keywords}
                keys.setdefault(str(first.value), []).append(names)
    return keys


def test_every_reason_that_is_made_has_a_sentence_and_every_sentence_is_made() -> None:
    written = {f"{check}.{name}" for check in CHECKS for name in words("en", check)}
    assert made().keys() - written == set(), "no sentence"
    assert written - made().keys() == set(), "nobody says these"


@pytest.mark.parametrize("language", texts.languages())
def test_sentences_have_the_places_that_their_reasons_fill(language: str) -> None:
    for key, calls in made().items():
        check, _, name = key.partition(".")
        places = set(PLACE.findall(words(language, check)[name]))
        for facts in calls:
            assert "**" in facts or places <= facts, f"{key}: {places - facts}"


@pytest.mark.parametrize("language", texts.languages()[1:])
def test_every_language_says_the_same(language: str) -> None:
    assert sorted(file.stem for file in (FOLDER / language).glob("*.toml")) == CHECKS
    for check in CHECKS:
        english, other = words("en", check), words(language, check)
        assert english.keys() == other.keys(), check
        for name, text in english.items():
            assert Counter(PLACE.findall(text)) == Counter(PLACE.findall(other[name])), name
            assert text != other[name] or not re.search("[a-z]{4}", PLACE.sub("", text)), name


@pytest.mark.parametrize("language", texts.languages())
def test_every_sentence_is_whole(language: str) -> None:
    for check in CHECKS:
        for name, text in words(language, check).items():
            assert text.rstrip("”»)").endswith((".", "?", "؟")), f"{check}.{name}: {text}"
            assert not re.search(r"\s\s|\s[,.;:!?](\s|$)|\.\.", text), f"{check}.{name}: {text}"


def test_what_is_written_down_is_read_again() -> None:
    reasons = (because("dns.failed", name="a\r\nb", kind="TXT", problem="x" * 1000),)
    assert unpacked(packed(reasons)) == reasons
    assert reasons[0].facts["name"] == "a b"
    assert len(reasons[0].facts["problem"]) == 300


def test_what_is_no_list_of_reasons_is_said_to_be_none() -> None:
    for text in ("", "{", "[1]", '[["a"]]', '[["dns.failed", 3]]', "7"):
        with pytest.raises(ValueError, match=r".+"):
            unpacked(text)


def test_a_reason_of_another_version_is_left_out() -> None:
    assert not known("dns.was-never-said")
    assert not known("../x.failed")
    assert unpacked(packed([Reason("nothing.at-all")])) == ()
