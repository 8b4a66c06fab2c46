"""What is wrong with a command line, in a sentence."""

from __future__ import annotations

import click

from ulak.cli.dress import TEXTS


def sentence(error: click.ClickException, language: str) -> str:
    """Say what is wrong and where to look; Click's own words where there are none of ours."""

    def say(text: str, **facts: object) -> str:
        return TEXTS.say(language, f"usage.{text}", **facts)

    ctx = error.ctx if isinstance(error, click.UsageError) else None
    path = ctx.command_path if ctx else "ulak"
    match error:
        case click.NoSuchOption():
            guess = (error.possibilities or [""])[0]
            text = "no-option-guess" if guess else "no-option"
            return say(text, name=error.option_name, guess=guess, path=path)
        case click.NoSuchCommand():
            guess = (error.possibilities or [""])[0]
            text = "no-command-guess" if guess else "no-command"
            return say(text, name=error.command_name, guess=guess, path=path)
        case click.MissingParameter(param=click.Parameter() as param):
            return say("missing", name=_name(param, ctx), path=path)
        case click.BadParameter(param=click.Parameter(type=click.Choice(choices=choices)) as param):
            words = ", ".join(map(str, choices))
            return say("not-a-choice", name=_name(param, ctx), words=words)
        case click.BadParameter(param=click.Parameter() as param):
            problem = error.message.rstrip(".")
            return say("bad-value", name=_name(param, ctx), problem=problem, path=path)
        case _:
            return say("other", problem=error.format_message().rstrip("."), path=path)


def _name(param: click.Parameter, ctx: click.Context | None) -> str:
    if isinstance(param, click.Argument):
        return param.make_metavar(ctx) if ctx else str(param.name).upper()
    return param.opts[-1]
