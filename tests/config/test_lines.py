"""The scanner finds every key where it stands."""

from __future__ import annotations

import tomllib
from pathlib import Path as File

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ulak.config
from ulak.config.lines import Path, Spot, locate
from ulak.config.mistake import quoted

TEXT = '''# a comment = "no key"
plain = 1
dotted . "quo.ted" = [1, [2, 3], "]", # ] in a comment
  { inline = "}" }]
text = """
not = "a key"
\\""" [no.table]
"""""
raw = \'\'\'
[[nothing]] = \'\'\'

[table."ex.ample"] # comment
key = 1979-05-27T07:32:00Z
inline = { a = 1, b.c = { d = \'x\' } }

[[list]]
one = "#"
[[list]]
two = 2
[list.inner]
three = 3
[[list.deep]]
four = 4
[[list.deep]]
\'\' = 5
"\\u0061b" = 6
'''


def test_every_form_of_key_is_found_at_its_line() -> None:
    found = {path: spot.line for path, spot in locate(TEXT).items()}
    assert found == {
        ("plain",): 2,
        ("dotted",): 3,
        ("dotted", "quo.ted"): 3,
        ("dotted", "quo.ted", 0): 3,
        ("dotted", "quo.ted", 1): 3,
        ("dotted", "quo.ted", 1, 0): 3,
        ("dotted", "quo.ted", 1, 1): 3,
        ("dotted", "quo.ted", 2): 3,
        ("dotted", "quo.ted", 3): 4,
        ("dotted", "quo.ted", 3, "inline"): 4,
        ("text",): 5,
        ("raw",): 9,
        ("table",): 12,
        ("table", "ex.ample"): 12,
        ("table", "ex.ample", "key"): 13,
        ("table", "ex.ample", "inline"): 14,
        ("table", "ex.ample", "inline", "a"): 14,
        ("table", "ex.ample", "inline", "b"): 14,
        ("table", "ex.ample", "inline", "b", "c"): 14,
        ("table", "ex.ample", "inline", "b", "c", "d"): 14,
        ("list",): 16,
        ("list", 0): 16,
        ("list", 0, "one"): 17,
        ("list", 1): 18,
        ("list", 1, "two"): 19,
        ("list", 1, "inner"): 20,
        ("list", 1, "inner", "three"): 21,
        ("list", 1, "deep"): 22,
        ("list", 1, "deep", 0): 22,
        ("list", 1, "deep", 0, "four"): 23,
        ("list", 1, "deep", 1): 24,
        ("list", 1, "deep", 1, ""): 25,
        ("list", 1, "deep", 1, "ab"): 26,
    }


def test_columns_count_from_one() -> None:
    assert locate("  a = 1\nb = [ 2 ]")["a",] == Spot(1, 3)
    assert locate("  a = 1\nb = [ 2 ]")["b", 0] == Spot(2, 7)


def test_lines_may_end_in_crlf() -> None:
    assert locate('a = """\r\nx"""\r\nb = 1\r\n')["b",] == Spot(3, 1)


def paths(value: object, path: Path = ()) -> set[Path]:
    """Give every path that `tomllib` sees."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    found = {path} if path else set()
    return found.union(*(paths(item, (*path, key)) for key, item in inner))


keys = st.one_of(st.from_regex(r"[a-zA-Z0-9_-]{1,4}", fullmatch=True), st.text(max_size=4))
texts = st.text(alphabet="ab\"'#[]{}=,.\\ \n", max_size=8)


def spelled(key: str) -> str:
    return key if key and key.isascii() and key.replace("_", "a").isalnum() else quoted(key)


def written(value: object) -> str:
    match value:
        case str():
            long = "\n" in value and '"' not in value and "\\" not in value
            return f'"""\n{value}"""' if long else quoted(value)
        case list():
            return "[" + ",\n".join(map(written, value)) + " # ]\n]"
        case dict():
            return "{" + ", ".join(f"{spelled(k)} = {written(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


values = st.recursive(
    st.one_of(st.integers(), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
tables = st.dictionaries(keys, st.dictionaries(keys, values, max_size=4), max_size=4)


@settings(max_examples=60)
@given(tables)
def test_what_tomllib_reads_the_scanner_finds(table: dict[str, dict[str, object]]) -> None:
    text = ""
    lines: dict[Path, int] = {}
    for name, inner in table.items():
        lines[name,] = text.count("\n") + 1
        text += f"[ {spelled(name)} ]\n"
        for key, value in inner.items():
            lines[name, key] = text.count("\n") + 1
            text += f"{spelled(key)} = {written(value)}\n# {key!a}\n"
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        pytest.fail(f"the test writes bad TOML: {text!r}")
    found = locate(text)
    assert set(found) == paths(read)
    assert {path: found[path].line for path in lines} == lines


def test_the_embedded_default_is_found_whole() -> None:
    text = File(ulak.config.DEFAULT).read_text("utf-8")
    assert set(locate(text)) == paths(tomllib.loads(text))
