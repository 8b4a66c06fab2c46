"""What is in force and what has to be published: the pages Settings and Records."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from ulak.language.case import lower
from ulak.publish.compare import Checked
from ulak.web.console.desk import Here
from ulak.web.console.ports import Setting
from ulak.web.console.table import Place

_TONES = {"there": "good", "other": "bad", "missing": "bad", "unknown": "warn"}
_FOUND = 200  # characters of a record that DNS has
_MOST_FOUND = 5
_LONGEST = 100  # characters of a filter


@dataclass(frozen=True, slots=True)
class Section:
    """Settings with the same beginning of their keys, `""` for those on top.

    `about` says what they are for, and `changed` how many of them are set.
    """

    name: str
    about: str
    settings: tuple[Setting, ...]
    changed: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish, whether DNS has it, and what is to be said about that."""

    purpose: str
    line: str
    standing: str
    tone: str
    found: tuple[str, ...]
    about: tuple[str, ...]
    note: str


# -- settings -------------------------------------------------------------------------------------


async def _settings(here: Here) -> Response:
    query = here.request.query_params
    chosen = await here.operation.settings(here.language)
    only = query.get("only") == "changed"
    named = query.get("named", "").strip()[:_LONGEST]
    shown = [one for one in chosen if (one.source or not only) and _fits(one, named)]
    return here.page(
        "console/settings.html",
        title=here.say("watch.settings.title"),
        section="settings",
        groups=sections(shown),
        only=only,
        named=named,
    )


def _fits(one: Setting, named: str) -> bool:
    """Whether every word that was asked for stands in the name of a setting, or all in its text."""
    words = lower(named).split()
    return all(word in lower(one.key) for word in words) or lower(named) in lower(one.meaning)


def sections(chosen: list[Setting]) -> list[Section]:
    """Put settings together by the first part of their key."""
    found: dict[str, list[Setting]] = {}
    for one in chosen:
        first, dot, _ = one.key.partition(".")
        name = first.partition("[")[0] if dot or "[" in first else ""
        found.setdefault(name, []).append(one)
    return [
        Section(name, rows[0].about, tuple(rows), sum(bool(one.source) for one in rows))
        for name, rows in found.items()
    ]


# -- records --------------------------------------------------------------------------------------


async def _records(here: Here) -> Response:
    domains = here.operation.domains()
    domain = here.request.query_params.get("domain", "")
    if domain not in domains:
        domain = domains[0] if len(domains) == 1 else ""
    return here.page(
        "console/records.html",
        title=here.say("watch.records.title"),
        section="records",
        scripts=("vendor/htmx.js",),
        domains=domains,
        domain=domain,
        groups=None
        if not domain or "check" not in here.request.query_params
        else await _checked(here, domain),
    )


async def _check(here: Here) -> Response:
    """Give the records of a domain alone, for a page that is there already."""
    domain = here.request.query_params.get("domain", "")
    if domain not in here.operation.domains():
        return here.lead("/records")
    return here.part("console/records-list.html", groups=await _checked(here, domain))


async def _checked(here: Here, domain: str) -> list[tuple[str, list[Record]]]:
    """Give the records of a domain by their purpose."""
    records = [record(here, each) for each in await here.operation.records(domain)]
    return [(purpose, list(rows)) for purpose, rows in groupby(records, lambda row: row.purpose)]


def record(here: Here, checked: Checked) -> Record:
    """Tell of one record."""
    wanted = checked.wanted
    about = []
    if checked.note:
        facts = {name: _short(fact) for name, fact in checked.facts}
        about.append(here.say(f"records.about.{checked.note}", **facts))
    if checked.reason is not None:
        about.append(checked.reason.text(here.language))
    note = here.say(f"records.note.{wanted.note}", **dict(wanted.facts)) if wanted.note else ""
    standing = checked.standing.value
    found = checked.found if standing != "there" else ()
    return Record(
        purpose=wanted.purpose.value,
        line=wanted.line() if wanted.value else "",
        standing=standing if wanted.value else "",
        tone=_TONES[standing],
        found=tuple(_short(each) for each in found[:_MOST_FOUND]),
        about=tuple(about),
        note=note,
    )


def _short(text: str) -> str:
    return text if len(text) <= _FOUND else text[:_FOUND] + "…"


PLACES = (
    Place("/settings", show=_settings, section="settings"),
    Place("/records", show=_records, section="records"),
    Place("/records/check", show=_check),
)
