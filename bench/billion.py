"""The arithmetic to a billion messages a day: `python -m bench.billion [--write]`.

What was measured and what is assumed stands in `billion.toml` beside this, and nowhere else. The
tables of docs/billion.md are made of it; a test holds that they are.
"""

from __future__ import annotations

import argparse
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FIGURES = Path(__file__).with_name("billion.toml")
PAGE = Path(__file__).parents[1] / "docs" / "billion.md"
BEGIN, END = "<!-- python -m bench.billion -->", "<!-- so far -->"

A_BILLION = 1_000_000_000
_DAY = 86_400
_KB = 1_000
_MEASURED_KB = 10.24  # of the messages that were measured
_MB = 1_000_000

Given = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes. CPU is in ms for a message, rates are of seconds at the peak."""

    average: float
    peak: float
    node: float
    base: float
    log: float  # octets for a message
    of_cell: float  # messages that a cell may have
    cells: int  # one of which may be missing

    servers: int  # of a cell, one of which may be missing
    cores: int  # of each machine
    of_base: float  # cores of a database that are busy when a cell is missing
    syncs: float  # of a cell
    logged: float  # octets of the log of a cell
    written: float  # octets on the disk of a database
    network: float  # octets that come to a cell, or go from it
    waiting: float  # messages that wait in a cell
    connections: float  # of a server

    @property
    def machines(self) -> int:
        """All of them: servers, and a primary and a standby for each cell."""
        return self.cells * (self.servers + 2)


def given() -> Given:
    """Read what was measured and what is assumed."""
    with _FIGURES.open("rb") as file:
        return tomllib.load(file)


def plan(figures: Given, messages: int = A_BILLION) -> Plan:
    """Compute what so many messages a day take."""
    m = {name: float(one["value"]) for name, one in figures["measured"].items()}
    a = {name: float(one["value"]) for name, one in figures["assumed"].items()}
    average = messages / _DAY
    peak = average * a["peak"]
    more = a["size"] - _MEASURED_KB
    attempt = m["node"] - m["node_taking"]
    node = m["node"] + more * m["node_octets"] + m["proof"]
    node += 2 * m["handshake"] / a["session"] + a["again"] * (attempt + m["again"])
    base = m["base"] + more * m["base_octets"] + a["again"] * m["again"]
    log = m["log"] * a["size"] / _MEASURED_KB
    # No more messages than a store had, nor more octets of its log: less, by what is not used.
    of_cell = a["used"] * m["store"] * min(1.0, m["log"] / log / a["used"])
    cells = math.ceil(peak / of_cell) + 1
    busy = peak / (cells - 1)
    cores = int(a["cores"])
    servers = math.ceil(busy * node / 1000 / a["used"] / cores) + 1
    return Plan(
        average=average,
        peak=peak,
        node=node,
        base=base,
        log=log,
        of_cell=of_cell,
        cells=cells,
        servers=servers,
        cores=cores,
        of_base=busy * base / 1000,
        syncs=busy * m["syncs"],
        logged=busy * log,
        written=busy * log * a["copies"],
        network=busy * a["size"] * _KB,
        waiting=average * a["again"] / 3 * a["wait"] * 3600 / (cells - 1),
        connections=busy * a["seconds"] / (servers - 1),
    )


def told_as(one: Mapping[str, Any]) -> str:
    """Write a figure with its unit, as docs/measurements.md has it, too."""
    between = "" if one["unit"].startswith("/") else " "
    return f"{one['value']:,}{between}{one['unit']}".strip()


def tables(figures: Given) -> str:
    """Write what stands in the page."""
    p = plan(figures)
    size = float(figures["assumed"]["size"]["value"])
    both = f"{8 * p.network / _MB:,.0f} and {8 * p.logged / _MB:,.0f} Mbit/s"
    told = (
        f"A billion messages a day are {p.average:,.0f} a second, and {p.peak:,.0f} in the busiest "
        f"minutes. **{p.cells} cells** take them, one of which may be missing; each has "
        f"{p.servers} servers, one of which may be missing, and a database with its standby: "
        f"{p.machines} machines with {p.cores} cores, {p.machines * p.cores:,} cores in all."
    )
    lines = [
        told,
        "",
        "| what was measured | | by |",
        "|---|---|---|",
        *(
            f"| {one['what']} | {told_as(one)} | {one['by']} |"
            for one in figures["measured"].values()
        ),
        "",
        "| what is assumed | | because |",
        "|---|---|---|",
        *(
            f"| {one['what']} | {one['value']} {one['unit']} | {one['why']} |"
            for one in figures["assumed"].values()
        ),
        "",
        "| what follows | |",
        "|---|---|",
        f"| CPU of servers for a message of {size:.0f} KB, with TLS and proofs | {p.node:.2f} ms |",
        f"| CPU of the database for it | {p.base:.2f} ms |",
        f"| log for it | {p.log / _KB:,.0f} KB |",
        f"| messages a second that a cell may have | {p.of_cell:,.0f} |",
        f"| cells | {p.peak:,.0f} ÷ {p.of_cell:,.0f} = {p.cells - 1}, and one |",
        f"| servers of a cell | {p.servers - 1}, and one |",
        f"| cores of its database that are busy, of {p.cores} | {p.of_base:.1f} |",
        f"| log of its database | {p.logged / _MB:,.0f} MB/s, {p.syncs:,.0f} syncs a second |",
        f"| written to its disk | {p.written / _MB:,.0f} MB/s |",
        f"| network of a cell, each way | {8 * p.network / _MB:,.0f} Mbit/s |",
        f"| the same to the database, and from there to its standby | {both} |",
        f"| messages that wait in a cell | {p.waiting:,.0f}, {p.waiting * size / _MB:,.1f} GB |",
        f"| connections of a server | {p.connections:,.0f} |",
    ]
    return "\n".join(" ".join(line.split()) for line in lines)


def page(text: str, figures: Given) -> str:
    """Put the tables into the text of the page."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables(figures)}\n\n{END}{after}"


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(description="What a billion messages a day take")
    parser.add_argument("--write", action="store_true", help="into docs/billion.md")
    if parser.parse_args().write:
        PAGE.write_text(page(PAGE.read_text("utf-8"), given()), "utf-8")
    else:
        print(tables(given()))


if __name__ == "__main__":
    main()
