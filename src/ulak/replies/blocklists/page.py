"""Writes docs/blocklists.md: which lists there are, which are asked, and which are dead.

`python -m ulak.replies.blocklists.page docs` writes it anew; `make docs` does that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from ulak.replies.blocklists.naming import lists
from ulak.replies.blocklists.table import TEXTS, Entry, entries

FILE = "blocklists.md"
_HEAD = """\
# Blocklists

The lists that Ulak knows: `ulak check ip` and `ulak check domain` ask those of the first table,
and `ulak explain` knows all of them by the words of a reply. This page is made from
`src/ulak/replies/blocklists/`.

No list is believed on its word. Each is first asked for its two test entries (RFC 5782 §5): one
that every list has, and one that no list has. Where they are not so, the list is dead, has been
taken over by somebody who answers everything, or does not answer you; then it is neither a
listing nor a clean address, but *could not be asked*. So is an answer in 127.255.255.0/24 or of
127.0.0.1, by which lists refuse, one outside 127.0.0.0/8, and one that means nothing known.
Unverified lists are those whose operator could not be confirmed to run them today; their test
entries decide.

That no list has an address does not mean that all is well: the lists of the last table are in no
DNS.
"""
_TABLES: dict[str, Callable[[Entry], bool]] = {
    "Lists that are asked": lambda e: e.asked,
    "Lists that are not asked by themselves": lambda e: e.status != "dead" and not e.asked,
}
_TARGETS = {"ip4": "IPv4", "ip6": "IPv6", "domain": "domains", "address": "mail addresses"}


def page() -> str:
    """Give the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for title, chosen in _TABLES.items():
        yield f"## {title}\n"
        yield "| zone | list | of | matters | who may ask | where to ask for removal |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(entry) for entry in entries().values() if chosen(entry))
        yield ""
    yield (
        "`--zone` and the configuration ask any of these, too: one that is *part of* another says "
        "nothing more than that\none, and those with a key stand under a name of your own.\n"
    )
    yield "## Dead lists\n"
    yield (
        "They are never asked, and `ulak check ip` says so when one is configured. Many programs "
        "still ship them: at best each\nmail waits for them, at worst they list everybody.\n"
    )
    yield "| zone | list | since | |"
    yield "|---|---|---|---|"
    for entry in entries().values():
        if entry.status == "dead":
            why = TEXTS.all("en")[f"why.{entry.why}"]
            yield f"| `{entry.zone}` | {entry.name} | {entry.since} | {why} |"
    yield "\n## Lists that are in no DNS\n"
    yield "Only a reply shows that one of these has you, and `ulak explain` tells which.\n"
    yield "| list | of | where to ask |"
    yield "|---|---|---|"
    for one in lists().values():
        if not one.dns:
            yield f"| {one.name} | {one.operator} | {_link(one.page)} |"


def _row(entry: Entry) -> str:
    worst = {m.severity for code in entry.codes for m in entry.meanings([_code(code[0])])}
    ranks = ("critical", "warning", "note", "good")
    matters = next((severity for severity in ranks if severity in worst), "")
    usage = TEXTS.all("en")[f"usage.{entry.usage}"]
    name = entry.name + (" (unverified)" if entry.status == "unverified" else "")
    name += f", part of `{entry.part_of}`" if entry.part_of else ""
    target = ", ".join(text for kind, text in _TARGETS.items() if kind in entry.target)
    cells = (f"`{entry.zone}`", name, target, matters, usage, _link(entry.lister.page))
    return f"| {' | '.join(cells)} |"


def _code(number: int) -> str:
    return f"127.0.{number // 256}.{number % 256}"


def _link(page: str) -> str:
    return f"<{page}>" if page else ""


if __name__ == "__main__":
    (Path(sys.argv[1]) / FILE).write_text(page(), "utf-8")
