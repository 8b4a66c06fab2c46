"""What a language still lacks: `python -m ulak.language.gate`.

A language is offered to people when nothing is missing in it. The English texts say what there
has to be: every TOML file in a folder `texts` (`en.toml`, `en.codes.toml` or `en/spf.toml`), and
every name in a template of gettext (`locale/*.pot`).
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from ulak.language import FALLBACK, KNOWN, known
from ulak.language.po import parsed

ROOMS = Path(__file__).parents[1]
# Beside a template there are catalogues; its English stands in TOML, for which there are none.
_CONTEXT = re.compile(r'^msgctxt "(.*)"$', re.MULTILINE)
_OFFERED = re.compile(r"^offered = (?:true|false)$", re.MULTILINE)


def files() -> Iterator[Path]:
    """Give every TOML file of English texts that has one in each language beside it."""
    for folder in sorted(ROOMS.rglob("texts")):
        if folder.is_dir() and not (folder.parent / "locale").exists():
            yield from sorted(folder.glob(f"{FALLBACK}.toml"))
            yield from sorted(folder.glob(f"{FALLBACK}.*.toml"))
            yield from sorted(folder.glob(f"{FALLBACK}/*.toml"))


def counterpart(english: Path, language: str) -> Path:
    """Give where the texts of a file are in another language."""
    if english.parent.name == FALLBACK:
        return english.parents[1] / language / english.name
    return english.with_name(language + english.name.removeprefix(FALLBACK))


def texts(file: Path) -> Mapping[str, str]:
    """Give the texts of a file by name, those of a list numbered; nothing where it is not there.

    The key `of` is no text (`stale`).
    """
    if not file.exists():
        return {}
    return dict(_leaves("", tomllib.loads(file.read_text("utf-8"))))


def missing(language: str) -> list[str]:
    """Name every text that a language lacks, each behind its file."""
    if language == FALLBACK:
        return []
    found = []
    for english in files():
        file = counterpart(english, language)
        there = texts(file)
        place = file.relative_to(ROOMS)
        found += [f"{place}: {name}" for name in texts(english) if not there.get(name)]
    for template in sorted(ROOMS.rglob("locale/*.pot")):
        file = template.parent / language / "LC_MESSAGES" / f"{template.stem}.po"
        written = parsed(file.read_text("utf-8")).texts if file.exists() else {}
        place = file.relative_to(ROOMS)
        names = _CONTEXT.findall(template.read_text("utf-8"))
        found += [f"{place}: {name}" for name in names if name not in written]
    return found


def main() -> int:
    """Tell what each language lacks, and note whether it is offered. 1 where something lacks."""
    lacking = 0
    for code in known():
        lacks = missing(code)
        lacking += len(lacks)
        sys.stdout.writelines(f"{line}\n" for line in lacks)
        file = KNOWN / f"{code}.toml"
        noted = f"offered = {'false' if lacks else 'true'}"
        file.write_text(_OFFERED.sub(noted, file.read_text("utf-8")), encoding="utf-8")
        sys.stdout.write(f"{code}: {len(lacks)} missing; {noted}\n")
    return 1 if lacking else 0


def _leaves(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for key, inner in value.items():
                if key != "of":
                    yield from _leaves(f"{prefix}.{key}" if prefix else key, inner)
        case list():
            for number, inner in enumerate(value, 1):
                yield from _leaves(f"{prefix}[{number}]", inner)
        case _:
            yield prefix, str(value).strip()


if __name__ == "__main__":
    sys.exit(main())
