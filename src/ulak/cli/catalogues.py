"""The catalogues of the command line, for translators: `make translations`.

`python -m ulak.cli.catalogues` writes the template `locale/ulak.pot` from the English texts and
the help that stands in the commands themselves, and brings every `locale/<language>/…/ulak.po` up
to date: new texts come in empty, a text whose English has changed is marked fuzzy, and what is no
longer said goes. It needs Babel, which the development group has; the commands do not.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from ulak.cli import main
from ulak.cli.dress import TEXTS, dress, find, option_names
from ulak.language import FALLBACK, known

TEMPLATE = TEXTS.locale / "ulak.pot"

_HEADER = """\
# The texts of Ulak's command line.
# How to translate them: docs/languages.md.
#"""
_HELP = "ulak.cli"
_ONE, _OTHER = ".one", ".other"


def english() -> dict[str, str]:
    """Give every text to translate by its name: what is written down, and what commands say."""
    texts = dict(TEXTS.all(FALLBACK))
    for name, text in _spoken(main, ""):
        texts.setdefault(name, text)
        if texts[name] != text and name.startswith("help."):
            texts["about." + name.removeprefix("help.")] = text
    return texts


def template() -> Catalog:
    """Put the texts together as a template."""
    texts = english()
    catalog = _catalog()
    for name in sorted(texts):
        if name.endswith(_OTHER) and name.removesuffix(_OTHER) + _ONE in texts:
            continue
        stem = name.removesuffix(_ONE)
        if stem != name and stem + _OTHER in texts:
            catalog.add((texts[name], texts[stem + _OTHER]), context=stem)
        else:
            catalog.add(texts[name], context=name)
    return catalog


def translated(language: str) -> Catalog:
    """Read the catalogue of a language and bring it up to date with the template."""
    file = TEXTS.file(language)
    found = _catalog(language)
    if file.exists():
        with file.open("rb") as source:
            found = read_po(source, locale=language)
    found.update(template(), no_fuzzy_matching=True, update_header_comment=True)
    for message in template():
        old = found.get(message.id, message.context) if message.id else None
        if old is None or old.string not in ("", ("",) * found.num_plurals):
            continue
        was = next((o for o in found.obsolete.values() if o.context == message.context), None)
        if was is not None and was.pluralizable == old.pluralizable:
            old.string = was.string
            old.flags.add("fuzzy")
            old.previous_id = [was.id] if isinstance(was.id, str) else list(was.id)
    found.obsolete.clear()
    return found


def printed(catalog: Catalog) -> str:
    """Write a catalogue as the text of a file, the same for the same texts."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, omit_header=False, include_previous=True)
    lines = out.getvalue().decode("utf-8").splitlines(keepends=True)
    # Dates and the tool's version would change with every run, and who did it says the log.
    dropped = (
        *("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator"),
        *("Language-Team", "Report-Msgid-Bugs-To"),
    )
    return "".join(line for line in lines if not line.startswith(tuple(f'"{d}' for d in dropped)))


def files() -> Iterator[tuple[Path, str]]:
    """Give the template and the catalogue of every language, each with the text it should have."""
    yield TEMPLATE, printed(template())
    for language in known():
        if language != FALLBACK:
            yield TEXTS.file(language), printed(translated(language))


def _catalog(language: str | None = None) -> Catalog:
    return Catalog(
        locale=language,
        header_comment=_HEADER,
        project="Ulak",
        version="",
        fuzzy=False,
        charset="utf-8",
    )


def _spoken(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    """Give the help that stands in the code of a command and all below it, by its name."""
    dress(command, path, FALLBACK)
    kept = command.__dict__
    if own := kept.get("ulak_own_help"):
        yield f"help.{path}", " ".join(own.split())
    for param in command.params:
        own = param.__dict__.get("ulak_own_help")
        if isinstance(param, click.Option) and own:
            names = option_names(path, param)
            if not find(names, FALLBACK):
                yield names[0], own
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from _spoken(inner, f"{path} {name}".strip())


def write() -> int:
    """Write every file anew; tell what is left to do. 1 where something is."""
    left = 0
    for file, text in files():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for language in known():
        if language == FALLBACK:
            continue
        for message in translated(language):
            if message.id and (message.fuzzy or not all(strings(message))):
                left += 1
                sys.stdout.write(f"{language}: {message.context}\n")
    return 1 if left else 0


def strings(message: Message) -> tuple[str, ...]:
    """Give the forms of a translation; an empty one is missing."""
    found = message.string
    if isinstance(found, str):
        return (found,)
    return tuple(form or "" for form in found or ("",))


if __name__ == "__main__":
    sys.exit(write())
