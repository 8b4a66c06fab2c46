"""Checks: one file for each way to trust, or not to trust, a sender. Pure.

`ulak.checks.dmarc` and the others are found when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    place = f"{__name__}.{name}"
    if name.startswith("_") or find_spec(place) is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return import_module(place)
