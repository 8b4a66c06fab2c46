"""`docs/rfc5321.md` names every section that has a MUST, and tests that exist."""

from __future__ import annotations

import re

import pytest
from tests.house.repository import ROOT

PAGE = (ROOT / "docs" / "rfc5321.md").read_text("utf-8")
SMTP, STARTTLS = PAGE.split("## RFC 3207")
# The sections of RFC 5321 §§2–4 in which MUST or MUST NOT stands, as counted in its text.
MUST = """
2.1 2.2.1 2.2.2 2.3.5 2.3.8 2.3.11 2.4
3.1 3.2 3.3 3.4 3.5.1 3.5.2 3.5.3 3.6.1 3.6.3 3.7.2 3.7.3 3.7.4 3.8 3.9
4.1.1 4.1.1.1 4.1.1.3 4.1.1.4 4.1.1.5 4.1.1.10 4.1.2 4.1.3 4.1.4 4.1.5
4.2 4.2.1 4.2.4 4.2.5 4.3.1 4.3.2 4.4
4.5.1 4.5.2 4.5.3.1 4.5.3.1.7 4.5.3.1.8 4.5.3.1.10 4.5.3.2 4.5.4 4.5.4.1
"""


def rows(text: str) -> list[list[str]]:
    """Give the cells of the table in a text, without its head."""
    lines = [line for line in text.split("\n") if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


ROWS = rows(SMTP) + rows(STARTTLS)


def test_every_section_with_a_must_is_there_in_order() -> None:
    sections = list(dict.fromkeys(row[0] for row in rows(SMTP)))
    assert sections == MUST.split()
    assert [row[0] for row in rows(STARTTLS)] == ["4", "4.1", "4.2", "6"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_holds_a_section_exists(row: list[str]) -> None:
    _, _, held = row
    names = re.findall(r"`([^`]+)`", held)
    assert names or held == "not done"
    for name in names:
        path, _, test = name.partition("::")
        folder = ROOT / "tests" if path.endswith(".py") else ROOT / "tests" / "transcripts"
        assert (folder / path).is_file(), name
        if test:
            assert f"def {test}(" in (folder / path).read_text("utf-8"), name
