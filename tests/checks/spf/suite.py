"""The public test suites of SPF as values: the files in pyspf's archive, read and never run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from tests.vectors.archive import read

from ulak.dns import Answer, Status, Zone
from ulak.dns.names import to_ascii
from ulak.dns.zone import Written


@dataclass(frozen=True)
class Case:
    """One test: what is asked, and which results are right."""

    name: str
    zone: Mapping[str, Sequence[Any]]
    ip: str
    helo: str
    mail_from: str
    results: tuple[str, ...]
    explanation: str | None
    receiver: str


def cases(file: str) -> list[Case]:
    """Read all cases of a file of the archive."""
    # In YAML 1.1 an octet above 0x7f is a character; a record of DNS is octets again.
    found = []
    for document in yaml.safe_load_all(read("pyspf", f"test/{file}").decode("utf-8")):
        for name, test in document["tests"].items():
            result = test["result"]
            found.append(
                Case(
                    name,
                    document["zonedata"],
                    str(test["host"]),
                    test.get("helo") or "",
                    test.get("mailfrom") or "",
                    tuple([result] if isinstance(result, str) else result),
                    test.get("explanation"),
                    test.get("receiver") or "receiver.example",
                )
            )
    return found


def names(file: str) -> list[str]:
    """Name the cases of a file."""
    return [case.name for case in cases(file)]


def zone(data: Mapping[str, Sequence[Any]]) -> Zone:
    """Make a resolver of a suite's data.

    `SPF` stands for a TXT record where a name has no TXT of its own; `TIMEOUT` for every kind that
    a name has no record of.
    """
    table: dict[tuple[str, str], Sequence[Written] | Status] = {}
    for name, entries in data.items():
        if to_ascii(name) is None:
            continue  # no question can be put for it
        kinds: dict[str, list[Any]] = {}
        silent = False
        for entry in entries:
            if entry == "TIMEOUT":
                silent = True
                continue
            ((kind, value),) = entry.items()
            if value == "TIMEOUT":
                table[name, kind] = Status.TIMEOUT
                continue
            kinds.setdefault(kind, []).append(value)
        if "SPF" in kinds and "TXT" not in kinds:
            kinds["TXT"] = kinds["SPF"]
        kinds.pop("SPF", None)
        for kind, values in kinds.items():
            table[name, kind] = [_record(kind, v) for v in values if v != "NONE"]
            if silent and kind == "TXT" and "NONE" in values:
                table[name, kind] = Status.TIMEOUT
        if silent:
            table[name, "*"] = Status.TIMEOUT
    return Zone(table)


def _record(kind: str, value: Any) -> Written:
    match kind:
        case "TXT":
            joined = value if isinstance(value, str) else "".join(value)
            return joined.encode("latin-1", "replace")
        case "MX":
            return int(value[0]), str(value[1])
        case _:
            return str(value)


__all__ = ["Answer", "Case", "cases", "names", "zone"]
