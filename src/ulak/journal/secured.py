"""What is told of an attempt beside its answer.

Which policy decided about TLS with the other server (RFC 7672, 8461, 8689), and what the resolver
said where it was DNS that did not answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ulak.journal.carried import MEMBER
from ulak.journal.entry import Kind
from ulak.journal.trace import Trace
from ulak.journal.words import say, words

TRIED = frozenset({Kind.DELIVERED, Kind.DEFERRED, Kind.FAILED})
"""The kinds of entries that tell of an attempt."""
RESOLVER = "resolver"
"""The fact that names servers that answer us: for the operator, and for nobody who sends mail."""
_SERVERS = frozenset({RESOLVER, MEMBER})


def secured(language: str, facts: Mapping[str, str]) -> str:
    """Tell which policy decided, or that there was none and no TLS; `""` for nothing to tell."""
    told = ""
    named = f"policy-{facts.get('tls_policy', '')}"
    if named in words(language)["said"]:
        told = " " + say(language, "said", named, facts)
    elif facts.get("tls_failed") and not facts.get("tls"):
        told = " " + say(language, "said", "in-clear", facts)
    if facts.get(RESOLVER):
        told += " " + say(language, "said", RESOLVER, facts)
    return told


def without_servers(trace: Trace) -> Trace:
    """Give a trace for who sends mail here: no entry names servers of ours, or that answer us."""
    entries = (
        replace(entry, facts={k: v for k, v in entry.facts.items() if k not in _SERVERS})
        if not _SERVERS.isdisjoint(entry.facts)
        else entry
        for entry in trace.entries
    )
    return replace(trace, entries=tuple(entries))
