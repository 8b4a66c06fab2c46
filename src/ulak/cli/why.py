"""`ulak why`: the whole story of a message, a session or an incident."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from ulak import config as settings
from ulak.app.asking.journals import AllJournals
from ulak.app.asking.others import FromThread, Others, with_others
from ulak.app.storing import in_database
from ulak.cli import output
from ulak.cli.frame import FAILED
from ulak.cli.options import config_option, json_option, lang_option
from ulak.journal.printed import printed
from ulak.journal.reader import JournalReader, journals
from ulak.journal.story import tell, to_dict
from ulak.journal.trace import SHORTEST, JournalError, Trace
from ulak.replies.refusal import read_id


@click.command()
@click.argument("identifier", metavar="ID")
@config_option
@json_option
@click.option("--here", is_flag=True)
@lang_option
def why(identifier: str, config: Path | None, *, as_json: bool, here: bool, lang: str) -> int:
    """Tell the story of a message, a session or an incident.

    Where several servers share a queue, all of them are asked.
    """
    identifier = read_id(identifier) or identifier  # of a refusal: also as its link, or typed
    chosen = settings.load(config)
    own = JournalReader(journals(chosen.data / "journal"))
    reader: JournalReader | AllJournals = own

    async def everywhere(others: Others) -> Trace | None:
        nonlocal reader
        reader = AllJournals(own, FromThread(others))
        return await asyncio.to_thread(reader.trace, identifier)

    with_all = in_database(chosen) and not here
    found = with_others(chosen, everywhere) if with_all else own.trace(identifier)
    for trouble in reader.troubles:
        click.echo(output.clean(trouble.sentence(lang)), err=True)
    if found is None:
        name = "too-short" if len(identifier.strip()) < SHORTEST else "not-found"
        missing = JournalError(name, id=identifier.strip())
        click.echo(output.clean(missing.sentence(lang)), err=True)
        return FAILED
    if as_json:
        told = to_dict(tell(found, lang))
        if with_all:
            told["silent"] = list(reader.silent) if isinstance(reader, AllJournals) else []
        output.json_object(told)
        return 0
    # Times are the reader's own; those in JSON are UTC.
    zone = datetime.now(UTC).astimezone().tzinfo or UTC
    output.line(printed(tell(found, lang, zone), output.width()).rstrip("\n"))
    return 0
