"""Whatever stands in a file is a configuration, or its mistakes are told."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.config.everything import EVERYTHING

from ulak import config
from ulak.config.mistake import Pattern, bare_or_quoted
from ulak.config.sections import every
from ulak.config.settings import Config
from ulak.config.show import toml
from ulak.language import LANGUAGES

PATTERNS = [path for path, _ in every(Config)]
names = st.sampled_from(["localhost", "a.example", "A.example", "*", "ada", "x y", ""])
TELLING = """* mx auto en sqlite maildir 127.0.0.1:25 [::1]:0 ::/0 smtp:h:1 lmtp:unix:/x lmtp:unix:
ada@a.example ada 1h 5MB \0 127.0.0.2-127.0.0.1 10.0.0.0/8 ::1%lo verify a.example {x} { }"""
words = st.one_of(st.sampled_from(TELLING.split()), st.text(max_size=12))
plain = st.one_of(words, st.integers(), st.booleans(), st.floats(allow_infinity=False))
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(names | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=4,
)


def placed(pattern: Pattern, name: str, value: object) -> str:
    """Write a value at a setting's path, in a file that has nothing else."""
    if pattern[-1] in ("[]", "*"):
        pattern = pattern[:-1]
    inner = toml(value)
    for part in reversed(pattern):
        key = bare_or_quoted(name if part == "*" else part)
        inner = f"[{inner}]" if part == "[]" else f"{{{key} = {inner}}}"
    return inner[1:-1]


def loads_or_tells(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ulak.toml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        told: tuple[config.Mistake, ...] | None = None
        try:
            config.load(file)
        except config.ConfigError as error:
            told = error.mistakes
    if told is not None:
        assert told
        assert all(one.sentence(language).strip() for one in told for language in LANGUAGES)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PATTERNS), names, values)
def test_any_value_at_any_setting_is_taken_or_told(
    pattern: Pattern, name: str, value: object
) -> None:
    loads_or_tells(placed(pattern, name, value))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_file_that_was_damaged_anywhere_is_taken_or_told(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(EVERYTHING)))
    end = data.draw(st.integers(at, min(at + 20, len(EVERYTHING))))
    junk = data.draw(st.text(alphabet="\"'[]{}=,.#\n\\ 0aé\0\r", max_size=5))
    loads_or_tells(EVERYTHING[:at] + junk + EVERYTHING[end:])


@settings(max_examples=60, deadline=None)
@given(st.text())
@example("")
@example("\ufeff\ufeff")
@example("a = 1" + "0" * 5000)
@example("workers = 1" + "0" * 4000)
@example("workers = 1" + "0" * 4000 + "\n\na = 1" + "0" * 5000)
@example("a = 0000-01-01\nb = 9999-12-31T23:59:60Z")
@example("a = " + "[" * 3000 + "]" * 3000)
@example("a = " + "{b = " * 2000 + "1" + "}" * 2000)
def test_any_text_is_taken_or_told(text: str) -> None:
    loads_or_tells(text)


@pytest.mark.parametrize("octets", [b"\xff\xfe", b"\x80", b'a = "\xed\xa0\x80"'])
def test_any_octets_are_taken_or_told(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "ulak.toml").write_bytes(octets)
    with pytest.raises(config.ConfigError):
        config.load(tmp_path / "ulak.toml")
