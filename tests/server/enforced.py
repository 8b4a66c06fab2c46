"""The checks of mail from strangers over what the senders of the lab publish."""

from __future__ import annotations

from typing import Any

from ulak.dns import Zone
from ulak.lab import senders
from ulak.policy.authentication import Mode, Rules
from ulak.server.checks import Checks, Reach


def enforced(names: str) -> Checks:
    """Make the checks; `names`, between commas, are those that are enforced, `author` and `one`."""
    wanted: dict[str, Any] = {"dmarc": Mode.MARK}
    for name in names.split(","):
        match name:
            case "author":
                wanted["author_signs"] = True
            case "one":
                wanted["one_pass"] = True
            case _:
                wanted[name] = Mode.ENFORCE
    rules = Rules("mx.example.org", **wanted)
    zone = Zone(dict(senders.records()))
    return Checks(
        Reach(zone), rules, "mx.example.org", lambda: 1_000_000_000.0, names=("mx.example.org",)
    )
