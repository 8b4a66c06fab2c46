"""`ulak why`: the whole story of a message, a session or an incident."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ulak import config as settings
from ulak.cli import output
from ulak.cli.frame import FAILED
from ulak.cli.options import config_option, json_option, lang_option
from ulak.journal.printed import printed
from ulak.journal.reader import JournalReader, journals
from ulak.journal.story import tell, to_dict
from ulak.journal.trace import SHORTEST, JournalError
from ulak.replies.refusal import read_id


@click.command()
@click.argument("identifier", metavar="ID")
@config_option
@json_option
@lang_option
def why(identifier: str, config: Path | None, *, as_json: bool, lang: str) -> int:
    """Tell the story of a message, a session or an incident."""
    identifier = read_id(identifier) or identifier  # of a refusal: also as its link, or typed
    reader = JournalReader(journals(settings.load(config).data / "journal"))
    found = reader.trace(identifier)
    for trouble in reader.troubles:
        click.echo(output.clean(trouble.sentence(lang)), err=True)
    if found is None:
        name = "too-short" if len(identifier.strip()) < SHORTEST else "not-found"
        missing = JournalError(name, id=identifier.strip())
        click.echo(output.clean(missing.sentence(lang)), err=True)
        return FAILED
    if as_json:
        output.json_object(to_dict(tell(found, lang)))
        return 0
    # Times are the reader's own; those in JSON are UTC.
    here = datetime.now(UTC).astimezone().tzinfo or UTC
    output.line(printed(tell(found, lang, here), output.width()).rstrip("\n"))
    return 0
