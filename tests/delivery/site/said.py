"""What large providers say, and what is to follow from it: `said.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple


class Said(NamedTuple):
    """What the first of a domain's MX hosts answers, its cause, and the rule that acts on it."""

    provider: str
    site: str
    hosts: list[str]
    reply: str
    cause: str
    rule: str


SAID = [
    Said(**table)
    for table in tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["said"]
]
