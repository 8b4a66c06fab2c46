"""Writes docs/providers.md: what is known of large providers, and what follows from it.

`python -m ulak.delivery.site.page docs` writes it anew; `make docs` does that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from ulak.delivery.site.rollup import KNOWN, Provider, providers
from ulak.delivery.site.rules import Act, Rule, defaults

FILE = "providers.md"
_HEAD = """\
# Large providers

What Ulak knows of the large providers of mailboxes and of filters before it has sent them
anything. It is made from `src/ulak/delivery/site/providers.toml` and `rules.providers.toml`. What
is learned from a provider's answers comes on top of it, and what you configure comes first: [how
to change a rule or a limit](delivery.md#changing-it).

Each line has the page where it was read, and the day; a page that others quote counts as read.
*Known* is what nobody has found a page for. Times that a page does not name are ours. Providers
change such things without a word, so a wrong line is a mistake to [report](../CONTRIBUTING.md).

## Sites and limits

All domains whose MX hosts end so are one [site](delivery.md#sites) and share its limits. Where
customers stand *apart*, each is a site of its own, and only limits and rules are taken from here.
Connections are at a time from one source address, messages are those over one connection; never
more than `delivery.connections_per_destination` and `delivery.messages_per_connection` say.
"""
_RULES = """
## What follows from their replies

The first rule that fits counts; then come those [for all](delivery.md#what-follows-from-what).
`ulak explain` shows which cause and which pattern a reply has, and `ulak queue show` by which
rule a message waits.
"""
_ACTS = {
    Act.FEWER: "half as many at a time",
    Act.SLOW_DOWN: "nothing for {wait}{grows}, then slower",
    Act.SUSPEND: "nothing from this source for {wait}{grows}",
    Act.RETRY: "only this message waits: {wait}, then longer up to {longest}",
}
_GROWS = ", twice as long each time up to {longest}"
_UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def page() -> str:
    """Give the page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "| site | provider | MX hosts end with | connections | messages | said of limits |"
    yield "|---|---|---|---|---|---|"
    yield from map(_site, providers())
    yield _RULES
    yield "| rule | at | where the reply is | what happens | what is said |"
    yield "|---|---|---|---|---|"
    yield from (_rule(rule) for rule in defaults() if rule.sites)


def _site(one: Provider) -> str:
    name = f"{one.name}, customers apart" if one.apart else one.name
    hosts = " ".join(f"`{host}`" for host in one.hosts) + f" ({_read(one.source, one.date)})"
    limits = one.limits
    said = f"{limits.says} ({_read(limits.source, limits.date)})" if limits.source else ""
    numbers = (f"{number:,}" if number else "" for number in (limits.connections, limits.messages))
    return f"| {' | '.join((f'`{one.slug}`', name, hosts, *numbers, said))} |"


def _rule(rule: Rule) -> str:
    at = " ".join(f"`{site}`" for site in sorted(rule.sites))
    names = rule.causes | rule.families | rule.patterns
    replies = " ".join(f"`{name}`" for name in sorted(names))
    wait, longest = _span(rule.wait), _span(rule.longest)
    grows = _GROWS.format(longest=longest) if rule.longest > rule.wait else ""
    act = _ACTS[rule.act].format(wait=wait, longest=longest, grows=grows)
    said = f"{rule.says} ({_read(rule.source, rule.date)})"
    return f"| {' | '.join((f'`{rule.name}`', at, replies, act, said))} |"


def _read(source: str, date: str) -> str:
    return KNOWN if source == KNOWN else f"[read {date}]({source})"


def _span(seconds: float) -> str:
    """Say how long that is, in the largest unit in which it is a whole number."""
    size, unit = next((size, unit) for size, unit in _UNITS if not seconds % size)
    return f"{seconds / size:g} {unit}"


if __name__ == "__main__":
    (Path(sys.argv[1]) / FILE).write_text(page(), "utf-8")
