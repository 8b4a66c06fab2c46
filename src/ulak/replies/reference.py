"""Everything there are words for: the listing behind `ulak codes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ulak.replies import codes, texts
from ulak.replies.catalog import CATALOG
from ulak.replies.document import Document, Facts, Heading
from ulak.replies.explain import permanence


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
        """Give the page that a person reads."""
        labels = texts.page("labels", self.language)
        return Document(
            self.language,
            (
                Heading(labels["codes"]),
                Facts(tuple((str(c["code"]), c["name"]) for c in self.codes)),
                Heading(labels["enhanced_codes"]),
                Facts(tuple((e["code"], e["title"]) for e in self.enhanced)),
                Heading(labels["causes"]),
                Facts(tuple((c["name"], c["title"]) for c in self.causes)),
            ),
        )


def reference(lang: str = texts.DEFAULT) -> Reference:
    """List everything there are words for."""
    language = texts.language(lang)
    return Reference(
        language,
        tuple(_code(known, language) for known in codes.CODES.values()),
        tuple(_enhanced(detail, language) for detail in texts.enhanced_details()),
        tuple(_cause(name, language) for name in CATALOG),
    )


def _code(known: codes.BasicCode, language: str) -> dict[str, Any]:
    written = texts.code(known.code, language)
    return {
        "code": known.code,
        "class": known.severity,
        "name": written.name if written is not None else "",
        "means": written.means if written is not None else "",
        "answers": list(known.answers),
        "in_practice": list(known.in_practice),
        "sections": known.sections,
    }


def _enhanced(detail: str, language: str) -> dict[str, Any]:
    written = texts.enhanced(detail, language)
    return {
        "code": f"X.{detail}",
        "title": written.title if written is not None else "",
        "means": written.means if written is not None else "",
        "causes": [row.name for row in CATALOG.values() if row.detail == detail],
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
