"""`ulak config check` and `ulak config show`."""

from __future__ import annotations

from pathlib import Path

import click

from ulak import config as settings
from ulak.cli import output
from ulak.cli.frame import USAGE, say
from ulak.cli.options import config_option, json_option, lang_option
from ulak.config.show import Shown


@click.group()
def config() -> None:
    """Check the configuration, or show what is in force."""


@config.command()
@config_option
@json_option
@lang_option
@click.pass_context
def check(ctx: click.Context, config: Path | None, *, as_json: bool, lang: str) -> int:
    """Check a configuration and tell every mistake."""
    mistakes: tuple[settings.Mistake, ...] = ()
    warnings: tuple[settings.Mistake, ...] = ()
    try:
        warnings = settings.load(config).warnings
    except settings.ConfigError as error:
        mistakes = error.mistakes
    if as_json:
        output.json_object(
            {
                "file": str(config) if config else None,
                "ok": not mistakes,
                "mistakes": [_fields(mistake, lang) for mistake in mistakes],
                "warnings": [_fields(warning, lang) for warning in warnings],
            }
        )
    else:
        for found in (*mistakes, *warnings):
            click.echo(output.clean(found.sentence(lang)), err=True)
        if not mistakes:
            output.line(say(ctx, "config.ok", file=config or say(ctx, "config.embedded")))
    return USAGE if mistakes else 0


@config.command()
@config_option
@json_option
@lang_option
def show(config: Path | None, *, as_json: bool, lang: str) -> None:
    """Show the settings in force and where each comes from."""
    shown = Shown(settings.read(config), lang)
    if as_json:
        output.json_object({"settings": shown.values(), "sources": shown.sources()})
    else:
        output.line(shown.text().rstrip("\n"))


def _fields(mistake: settings.Mistake, lang: str) -> dict[str, object]:
    return {
        "key": mistake.key,
        "line": mistake.spot.line if mistake.spot else None,
        "column": mistake.spot.column if mistake.spot else None,
        "name": mistake.text,
        "reason": mistake.reason(lang),
    }
