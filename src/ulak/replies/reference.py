"""Everything there are words for: the listing behind `ulak codes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.document import Block, Document, Facts, Heading
from ulak.replies.enhanced import ENHANCED, EnhancedCode
from ulak.replies.explain import permanence
from ulak.replies.sides.saying import by_family, capital


@dataclass(frozen=True, slots=True)
class Reference:
    """All basic codes, enhanced codes and causes, in one language."""

    language: str
    codes: tuple[dict[str, Any], ...]
    enhanced: tuple[dict[str, Any], ...]
    causes: tuple[dict[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """Give what `ulak codes --json` prints."""
        return {
            "codes": list(self.codes),
            "enhanced": list(self.enhanced),
            "causes": list(self.causes),
        }

    def to_document(self) -> Document:
        """Give the page that a person reads: codes by what stands behind them, and so on."""
        labels = texts.page("labels", self.language)
        standings = texts.page("standing", self.language)
        blocks: list[Block] = [Heading(labels["reference"], 1), Heading(labels["codes"])]
        for standing in codes.Standing:
            rows = [(str(c["code"]), c["name"]) for c in self.codes if c["standing"] == standing]
            blocks += [Heading(capital(standings[standing], self.language), 3), Facts(tuple(rows))]
        blocks.append(Heading(labels["enhanced_codes"]))
        subjects = texts.page("subject", self.language)
        for subject in sorted({e["code"][2] for e in self.enhanced}):
            about = subjects[subject]
            found = [(e["code"], e["title"]) for e in self.enhanced if e["code"][2] == subject]
            blocks += [Heading(f"X.{subject}: {about}", 3), Facts(tuple(found))]
        blocks.append(Heading(labels["causes"]))
        titles = {c["name"]: c["title"] for c in self.causes}
        for family, names in by_family(titles, self.language):
            blocks += [
                Heading(capital(family, self.language), 3),
                Facts(tuple((name, titles[name]) for name in names)),
            ]
        return Document(self.language, tuple(blocks))


def reference(lang: str = texts.DEFAULT) -> Reference:
    """List everything there are words for."""
    language = texts.language(lang)
    return Reference(
        language,
        tuple(_code(known, language) for known in codes.CODES.values()),
        tuple(_enhanced(known, language) for known in ENHANCED.values()),
        tuple(_cause(name, language) for name in CATALOG),
    )


def _code(known: codes.BasicCode, language: str) -> dict[str, Any]:
    written = texts.code(known.code, language)
    return {
        "code": known.code,
        "class": known.severity,
        "standing": known.standing.value,
        "name": written.name if written is not None else "",
        "means": written.means if written is not None else "",
        "answers": list(known.answers),
        "in_practice": list(known.in_practice),
        "sections": known.sections,
    }


def _enhanced(known: EnhancedCode, language: str) -> dict[str, Any]:
    written = texts.enhanced(known.detail, language)
    return {
        "code": f"X.{known.detail}",
        "classes": list(known.classes),
        "classes_in_practice": list(known.seen),
        "title": written.title if written is not None else "",
        "means": written.means if written is not None else "",
        "basic_codes": list(known.basic),
        "answers": list(known.answers),
        "in_practice": list(known.in_practice),
        "causes": [row.name for row in CATALOG.values() if row.detail == known.detail],
        "sections": known.sections,
    }


def _cause(name: str, language: str) -> dict[str, Any]:
    row = CATALOG[name]
    return {
        "name": name,
        "family": row.family,
        "title": texts.cause(name, language).title,
        "codes": [row.code, *row.codes],
        "detail": row.detail,
        "permanence": permanence(row.code, row),
        "sender_action": row.action.value,
        "sections": row.section,
        "words": row.words,
    }
