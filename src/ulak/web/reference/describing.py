"""What machines read of a page: its title, what it is about, and structured data (schema.org)."""

from __future__ import annotations

from typing import Any

from ulak.replies import texts
from ulak.replies.compare import Comparison
from ulak.replies.sides import Side
from ulak.web.addresses import localized
from ulak.web.reference import keys
from ulak.web.site import Site
from ulak.web.words import say

Crumbs = tuple[tuple[str, str], ...]
Data = dict[str, Any]
_CONTEXT = "https://schema.org"


def title(half: Side, language: str) -> str:
    """Give the title of the page of one code or cause."""
    if half.kind == "cause":
        return half.title
    return say(language, f"reference.title_{half.kind}", key=half.key, title=half.title)


def description(half: Side, language: str) -> str:
    """Say in one sentence or two what the page of one code or cause tells."""
    short = texts.page("short", language)[str(half.severity)]
    name = f"reference.description_{half.kind}"
    reply = " ".join(filter(None, (str(half.code or ""), half.enhanced or "")))
    return say(language, name, key=half.key, short=short, title=half.title, reply=reply)


def pair_description(compared: Comparison) -> str:
    """Say in one sentence or two what the page of a pair tells."""
    a, b, language = compared.a, compared.b, compared.language
    short = texts.page("short", language)
    return say(
        language,
        "reference.description_pair",
        a=a.key,
        a_short=short[str(a.severity)],
        b=b.key,
        b_short=short[str(b.severity)],
    )


def crumbs(language: str, *steps: tuple[str, str]) -> Crumbs:
    """Give the way from the first page to this one, as titles and paths."""
    return ((say(language, "reference.home"), "/"), *steps)


def of_one(half: Side, site: Site, language: str, way: Crumbs) -> list[Data]:
    """Describe the page of one code or cause: a term that is defined, and where it stands."""
    return [term(half, site, language), breadcrumbs(way, site, language)]


def of_pair(compared: Comparison, site: Site, language: str, way: Crumbs) -> list[Data]:
    """Describe the page of a pair: an article about two terms."""
    article = {
        "@context": _CONTEXT,
        "@type": "TechArticle",
        "headline": compared.title,
        "abstract": compared.summary,
        "inLanguage": language,
        "about": [_bare(half, site, language) for half in (compared.a, compared.b)],
        **_address(site, keys.pair_place(compared.a.key, compared.b.key), language),
    }
    return [article, breadcrumbs(way, site, language)]


def of_site(site: Site, language: str) -> list[Data]:
    """Describe the site, and where it can be searched."""
    data: Data = {
        "@context": _CONTEXT,
        "@type": "WebSite",
        "name": say(language, "frame.name"),
        "description": say(language, "reference.home_description"),
        "inLanguage": language,
        **_address(site, "/", language),
    }
    if site.base:
        data["potentialAction"] = {
            "@type": "SearchAction",
            "target": f"{site.base}{localized('/search', language)}?q={{q}}",
            "query-input": "required name=q",
        }
    return [data]


def of_list(name: str, path: str, site: Site, language: str, way: Crumbs) -> list[Data]:
    """Describe a page that lists terms."""
    terms = {
        "@context": _CONTEXT,
        "@type": "DefinedTermSet",
        "name": name,
        "inLanguage": language,
        **_address(site, path, language),
    }
    return [terms, breadcrumbs(way, site, language)]


def term(half: Side, site: Site, language: str) -> Data:
    """Describe one code or cause as a term that is defined."""
    terms = "causes" if half.kind == "cause" else "codes"
    return {
        "@context": _CONTEXT,
        **_bare(half, site, language),
        "description": half.means,
        "inLanguage": language,
        "inDefinedTermSet": {
            "@type": "DefinedTermSet",
            "name": say(language, f"reference.{terms}_title"),
            **_address(site, f"/{terms}", language),
        },
    }


def breadcrumbs(way: Crumbs, site: Site, language: str) -> Data:
    """Describe the way to a page."""
    return {
        "@context": _CONTEXT,
        "@type": "BreadcrumbList",
        "itemListElement": [
            {
                "@type": "ListItem",
                "position": at,
                "name": name,
                "item": site.base + localized(path, language),
            }
            for at, (name, path) in enumerate(way, 1)
        ],
    }


def _bare(half: Side, site: Site, language: str) -> Data:
    return {
        "@type": "DefinedTerm",
        "termCode": half.key,
        "name": half.title,
        **_address(site, keys.place(half.key), language),
    }


def _address(site: Site, path: str, language: str) -> Data:
    """Give the address where somebody has said it: a relative one is no name of anything."""
    return {"url": site.base + localized(path, language)} if site.base else {}
