"""The pages of codes, of causes, and of two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ulak.replies import texts
from ulak.replies.codes import CODES, Standing
from ulak.replies.compare import compare
from ulak.replies.composing import glance
from ulak.replies.enhanced import ENHANCED
from ulak.replies.sides import UnknownReplyError, side
from ulak.replies.sides.finding import title_of
from ulak.replies.sides.saying import by_family, capital
from ulak.web.addresses import localized
from ulak.web.page import language_of, path_of, render, site_of
from ulak.web.reference import describing, keys, pairs
from ulak.web.reference.beside import beside
from ulak.web.reference.linking import Linker
from ulak.web.reference.one import TONES, one
from ulak.web.site import Site
from ulak.web.words import say

_MOVED, _ELSEWHERE = 301, 303


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list: one meaning, with the keys under which it has pages."""

    keys: tuple[str, ...]
    title: str


def scripts(site: Site) -> tuple[str, ...]:
    """Name what a page with a search field gets better with."""
    return ("still.js",) if site.still else ("vendor/htmx.js",)


def tools(request: Request, *here: str) -> Mapping[str, Any]:
    """Give what the templates of the reference may call and look up besides."""
    language, site = language_of(request), site_of(request)

    def href_of(key: str) -> str:
        return localized(keys.place(key), language)

    def href_pair(a: str, b: str) -> str:
        return localized(keys.pair_place(a, b), language)

    def tone(key: str) -> str:
        if key[:1].isdigit():
            return TONES[int(key[0])]
        return TONES[side(key, language).severity]

    return {
        "link": Linker(language, site.sections, here),
        "href_of": href_of,
        "href_pair": href_pair,
        "tone": tone,
        "title_of": lambda key: title_of(key, language),
        "labels": texts.page("labels", language),
        "class_names": texts.page("class", language),
        "class_short": texts.page("class_short", language),
    }


async def codes(request: Request) -> Response:
    """List every basic and enhanced code."""
    language, site = language_of(request), site_of(request)
    standings = texts.page("standing", language)
    subjects = texts.page("subject", language)
    groups = []
    for standing in Standing:
        rows = [
            Row((key,), title_of(key, language))
            for key in keys.basic()
            if CODES[int(key)].standing is standing
        ]
        groups.append((standing.value, capital(standings[standing.value], language), rows))
    details: dict[str, dict[str, list[str]]] = {}
    for key in keys.enhanced():
        if key[2:] in ENHANCED:
            details.setdefault(key[2], {}).setdefault(key[2:], []).append(key)
    subject_groups = [
        (number, f"X.{number}: {subjects[number]}", [
            Row(tuple(of), title_of(of[0], language)) for of in details[number].values()
        ])
        for number in sorted(details)
    ]  # fmt: skip
    own = [key for key in keys.enhanced() if key[2:] not in ENHANCED]
    private = [Row((key,), side(key, language).title) for key in own]
    name = say(language, "reference.codes_title")
    way = describing.crumbs(language, (say(language, "frame.section.codes"), "/codes"))
    return render(
        request,
        "reference/codes.html",
        title=name,
        description=say(
            language,
            "reference.codes_description",
            codes=len(keys.basic()),
            enhanced=len(keys.enhanced()),
        ),
        section="codes",
        scripts=scripts(site_of(request)),
        way=way,
        data=describing.of_list(name, "/codes", site, language, way),
        standings=groups,
        subjects=subject_groups,
        private=private,
        **tools(request),
    )


async def causes(request: Request) -> Response:
    """List every cause, by what it is about."""
    language, site = language_of(request), site_of(request)
    name = say(language, "reference.causes_title")
    way = describing.crumbs(language, (say(language, "frame.section.causes"), "/causes"))
    groups = [
        (capital(about, language), [Row((key,), title_of(key, language)) for key in of])
        for about, of in by_family(keys.causes(), language)
    ]
    return render(
        request,
        "reference/causes.html",
        title=name,
        description=say(language, "reference.causes_description", causes=len(keys.causes())),
        section="causes",
        scripts=scripts(site_of(request)),
        way=way,
        data=describing.of_list(name, "/causes", site, language, way),
        groups=groups,
        **tools(request),
    )


async def code(request: Request) -> Response:
    """Show one code; a form with another class leads to it, and what is none to its likes."""
    return _one(request, request.path_params["key"], "codes")


async def cause(request: Request) -> Response:
    """Show one cause."""
    return _one(request, request.path_params["key"], "causes")


def _one(request: Request, written: str, section: str) -> Response:
    language, site = language_of(request), site_of(request)
    key = keys.meant(written)
    if not key:
        return missing(request, written, section)
    if path_of(request) != keys.place(key):
        return RedirectResponse(localized(keys.place(key), language), _MOVED)
    told = one(key, language)
    title = describing.title(told.half, language)
    listing = say(language, f"frame.section.{section}")
    way = describing.crumbs(language, (listing, f"/{section}"), (key, path_of(request)))
    return render(
        request,
        "reference/one.html",
        title=title,
        description=describing.description(told.half, language),
        section=section,
        way=way,
        data=describing.of_one(told.half, site, language, way),
        one=told,
        half=told.half,
        **tools(request, key),
    )


async def pair(request: Request) -> Response:
    """Show two side by side; in any other order it leads to the one there is."""
    language, site = language_of(request), site_of(request)
    written = request.path_params["pair"]
    found = keys.pair(written)
    if found is None:
        one, _, other = written.partition("-vs-")
        if (same := keys.meant(one)) and same == keys.meant(other):
            return RedirectResponse(localized(keys.place(same), language), _MOVED)
        return missing(request, other if same else one, "compare")
    place = keys.pair_place(*found)
    if path_of(request) != place:
        return RedirectResponse(localized(place, language), _MOVED)
    compared = compare(*keys.in_order(*found), language)
    listing = say(language, "frame.section.compare")
    here = (compared.a.key, compared.b.key)
    parts = beside(compared)
    if site.still:
        parts["more_pairs"] = [one for one in parts["more_pairs"] if one in pairs.listed()]
    way = describing.crumbs(language, (listing, "/compare"), (" / ".join(here), place))
    return render(
        request,
        "reference/pair.html",
        title=compared.title,
        description=describing.pair_description(compared),
        section="compare",
        way=way,
        data=describing.of_pair(compared, site, language, way),
        compared=compared,
        glance=glance(compared.a, compared.b, language),
        **parts,
        **tools(request, *here),
    )


async def compare_form(request: Request) -> Response:
    """Let two be chosen, and lead to their page when they are."""
    language = language_of(request)
    asked = [request.query_params.get(name, "").strip() for name in ("a", "b")]
    problem = ""
    if any(asked):
        chosen = [_key_of(text, language) for text in asked]
        unknown = [text for text, key in zip(asked, chosen, strict=True) if not key]
        if not unknown and chosen[0] != chosen[1]:
            place = keys.pair_place(chosen[0], chosen[1])
            return RedirectResponse(localized(place, language), _ELSEWHERE)
        name = "reference.compare_unknown" if unknown else "reference.compare_same"
        problem = say(language, name, what=texts.safe((unknown or chosen)[0], 60))
        if unknown and not unknown[0]:
            problem = say(language, "reference.compare_both")
    name = say(language, "reference.compare_title")
    return render(
        request,
        "reference/compare.html",
        title=name,
        description=say(language, "reference.compare_description"),
        status=400 if problem else 200,
        index=not problem,
        section="compare",
        scripts=scripts(site_of(request)) if site_of(request).still else (),
        way=describing.crumbs(language, (say(language, "frame.section.compare"), "/compare")),
        asked=asked,
        problem=problem,
        pairs_written=sorted(keys.written_pairs(), key=keys.pair_rank),
        choices=[(key, title_of(key, language)) for key in _choices()],
        **tools(request),
    )


def _choices() -> tuple[str, ...]:
    """Name what a field suggests: what people compare, and no more than a page can carry."""
    return tuple(dict.fromkeys(key for pair in keys.written_pairs() for key in pair))


def _key_of(text: str, language: str) -> str:
    """Give the key of what somebody typed: a key itself, or the cause of a whole reply."""
    if not text or (key := keys.meant(text)):
        return key if text else ""
    try:
        found = side(text[:2000], language)
    except UnknownReplyError:
        return ""
    return found.causes[0] if found.kind == "reply" else keys.meant(found.key)


async def elsewhere(request: Request) -> Response:
    """Lead from an address with a slash at its end to the one without; else nothing is there."""
    path = path_of(request)
    if path.endswith("/"):
        return RedirectResponse(localized(path.rstrip("/"), language_of(request)), _MOVED)
    section, _, rest = path[1:].partition("/")
    return missing(request, rest, section)


def missing(request: Request, written: str, section: str) -> Response:
    """Say that there is no such page, and name those that may be meant."""
    language = language_of(request)
    shown = texts.safe(written, 60)
    return render(
        request,
        "reference/missing.html",
        title=say(language, "reference.missing_title", what=shown),
        status=404,
        headers={"cache-control": "no-store"},
        index=False,
        alternates=False,
        section=section,
        scripts=scripts(site_of(request)),
        shown=shown,
        nearest=keys.nearest(written),
        **tools(request),
    )
