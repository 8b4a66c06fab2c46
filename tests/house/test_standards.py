"""`docs/standards.toml` and the code name the same standards."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict

from tests.house.repository import ROOT, SOURCE, dotted

STATUSES = {"implemented", "partial", "planned", "background"}
_CITED = re.compile(r"\bRFCs? ?(\d{3,5})\b")
STANDARDS = tomllib.loads((ROOT / "docs" / "standards.toml").read_text("utf-8"))["rfc"]
BY_NUMBER = {standard["number"]: standard for standard in STANDARDS}


def citations() -> dict[int, set[str]]:
    """Give, for each RFC that the package cites, the modules that do."""
    found: dict[int, set[str]] = defaultdict(set)
    for file in SOURCE.rglob("*"):
        if file.suffix in (".py", ".toml", ".sql"):
            module = dotted(file) if file.suffix == ".py" else ""
            for number in _CITED.findall(file.read_text("utf-8")):
                found[int(number)].add(module)
    return found


def test_every_rfc_that_the_code_cites_is_listed() -> None:
    missing = sorted(set(citations()) - set(BY_NUMBER))
    assert not missing, "add them to docs/standards.toml"


def test_every_rfc_that_is_listed_is_cited_by_its_modules() -> None:
    cited = citations()
    wrong = [
        f"RFC {number} in {module}"
        for number, standard in BY_NUMBER.items()
        for module in standard.get("modules", [])
        if module not in cited.get(number, ())
    ]
    assert not wrong, "docs/standards.toml names modules that do not cite the RFC, or are gone"


def test_every_rfc_that_is_not_only_planned_is_cited() -> None:
    cited = citations()
    idle = [n for n, s in BY_NUMBER.items() if s["status"] != "planned" and n not in cited]
    assert not idle, "nothing in the package cites them"


def test_the_list_is_whole_and_in_order() -> None:
    numbers = [standard["number"] for standard in STANDARDS]
    assert numbers == sorted(set(numbers))
    for standard in STANDARDS:
        known = {"number", "title", "status", "modules", "note"}
        assert set(standard) <= known, standard["number"]
        assert standard["title"], standard["number"]
        assert standard["status"] in STATUSES, standard["number"]
        has_modules = bool(standard.get("modules"))
        assert has_modules == (standard["status"] in ("implemented", "partial")), standard["number"]
        assert standard["status"] != "partial" or standard.get("note"), standard["number"]
