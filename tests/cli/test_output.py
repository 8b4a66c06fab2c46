"""What is shown to a person is aligned, coloured only where wanted, and cannot drive a terminal."""

from __future__ import annotations

import sys

import pytest

from ulak.cli import output


def test_control_characters_are_shown_and_not_obeyed() -> None:
    evil = "a\x1b[2Jb\r\x9bc\u202ed\x7f"
    assert output.clean(evil) == "a\\u001b[2Jb\\u000d\\u009bc\\u202ed\\u007f"
    assert output.clean("çok\tgüzel\n") == "çok\tgüzel\n"


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    rows = [["ı", "short"], ["日本", "x"], ["e\u0301", "y"]]
    assert output.table(rows, ["ID", "TEXT"]) == ("ID    TEXT\nı     short\n日本  x\ne\u0301     y")
    assert output.table([]) == ""


def test_a_cell_stays_on_its_line() -> None:
    assert output.table([["a\nb", "c\x1b"]]) == "a b  c\\u001b"


def test_json_is_utf8_whatever_the_locale(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    output.json_object({"a": "ş\ud800"})
    assert capfdbinary.readouterr().out == b'{"a": "\xc5\x9f\\ud800"}\n'


@pytest.mark.parametrize(
    ("terminal", "environ", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colours_need_a_terminal_and_no_objection(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, environ: dict[str, str], wanted: bool
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert output.colourful() is wanted
    assert ("\x1b" in output.paint("x", "red")) is wanted


def test_prose_fits_and_keeps_its_words_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    text = output.prose("one two three four-five six\nseven", "  ")
    assert text == "  one two three\n  four-five six\n  seven"


def test_a_table_lines_up_whatever_stands_in_its_columns() -> None:
    rows = [("a", 1, "x\x1b[2J"), ("ağ", 22, "日本"), ("", 3, "end")]
    told = output.table(rows, ("İlk", "n", "söz")).split("\n")
    assert told == [
        "İlk  n   söz",
        "a    1   x\\u001b[2J",
        "ağ   22  日本",
        "     3   end",
    ]
    assert output.table([("a", "bc"), ("def", "g")]) == "a    bc\ndef  g"
    assert output.table([], ("a", "b")) == "a  b"
