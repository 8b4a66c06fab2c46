"""`ulak webhook …`: who is told what happens to mail, and how it stands with each."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ulak import config as settings
from ulak.app.client import resolver_of
from ulak.app.hooking import HttpSend, hooks_of, outbox_file
from ulak.cli import output
from ulak.cli.account import moment, where
from ulak.cli.frame import FAILED, Failure, say
from ulak.cli.options import json_option
from ulak.events.hook import Answered, Hook
from ulak.events.outbox import EventsError, State, Waiting
from ulak.events.postman import letter

T = TypeVar("T")


@click.group()
def webhook() -> None:
    """See how it stands with the receivers of events, and try them."""


@webhook.command("list")
@json_option
@where
@click.pass_context
def list_(ctx: click.Context, config: Path | None, data: Path | None, *, as_json: bool) -> int:
    """List the webhooks of the configuration: what waits for each, and what it last said."""
    chosen = settings.load(config, data)
    outbox = outbox_file(chosen)
    found = [(one, _asked(lambda: outbox.state(one.url))) for one in chosen.webhooks]  # noqa: B023 -- asked at once
    if as_json:
        output.json_object({"webhooks": [_fields(one, state) for one, state in found]})
        return 0
    if not found:
        output.line(say(ctx, "webhook.none"))
        return 0
    for one, state in found:
        output.line(output.paint(output.clean(one.url), "cyan", bold=True))
        domains = ", ".join(one.domains) or "*"
        told = say(ctx, "webhook.wants", events=", ".join(one.events), domains=domains)
        output.line(output.prose(told, "  "))
        output.line(output.prose(_standing(ctx, state), "  "))
        if state.dropped:
            output.line(output.prose(say(ctx, "webhook.dropped", count=state.dropped), "  "))
    return FAILED if any(state.off or state.failures for _, state in found) else 0


@webhook.command()
@click.argument("url", metavar="[URL]", required=False)
@json_option
@where
@click.pass_context
def test(
    ctx: click.Context, url: str | None, config: Path | None, data: Path | None, *, as_json: bool
) -> int:
    """Send an event of the kind test to the webhooks, or to one of them, and say what came of it.

    One that had been switched off, and takes it, is switched on again.
    """
    chosen = settings.load(config, data)
    hooks = [one for one in hooks_of(chosen) if url in (None, one.url)]
    if not hooks:
        raise Failure(say(ctx, "webhook.none" if url is None else "webhook.no-such"), FAILED)
    answers = asyncio.run(_try(chosen, hooks))
    outbox = outbox_file(chosen)
    for hook, answered in zip(hooks, answers, strict=True):
        if answered.taken:
            _asked(lambda: outbox.taken(hook.url, (), time.time()))  # noqa: B023 -- at once
    if as_json:
        told = [
            {"url": hook.url, "taken": one.taken, "status": one.status or None, "said": one.told}
            for hook, one in zip(hooks, answers, strict=True)
        ]
        output.json_object({"webhooks": told})
    else:
        for hook, one in zip(hooks, answers, strict=True):
            name = "webhook.taken" if one.taken else "webhook.refused"
            output.line(output.prose(say(ctx, name, url=output.clean(hook.url), said=one.told)))
    return 0 if all(one.taken for one in answers) else FAILED


async def _try(chosen: settings.Config, hooks: Sequence[Hook]) -> list[Answered]:
    resolver = resolver_of(chosen)
    send = HttpSend(resolver, ssl.create_default_context())
    now = time.time()
    body = f'{{"event":"test","time":{now}}}'
    try:
        return [await send(one, *letter(one, [Waiting(0, now, body)], now)) for one in hooks]
    finally:
        await resolver.close()


def _standing(ctx: click.Context, state: State) -> str:
    if state.off:
        return say(ctx, "webhook.off", since=moment(state.off), count=state.waiting)
    if state.failures:
        return say(
            ctx,
            "webhook.failing",
            failures=state.failures,
            problem=output.clean(state.problem),
            last=moment(state.tried),
            count=state.waiting,
        )
    if state.taken:
        return say(ctx, "webhook.well", last=moment(state.taken), count=state.waiting)
    return say(ctx, "webhook.untried", count=state.waiting)


def _fields(one: settings.Webhook, state: State) -> dict[str, Any]:
    return {
        "url": one.url,
        "events": list(one.events),
        "domains": list(one.domains),
        "waiting": state.waiting,
        "oldest": state.oldest or None,
        "taken": state.taken or None,
        "tried": state.tried or None,
        "failures": state.failures,
        "problem": state.problem or None,
        "off": state.off or None,
        "dropped": state.dropped,
    }


def _asked(question: Callable[[], T]) -> T:
    try:
        return question()
    except EventsError as error:
        raise Failure(str(error), FAILED) from error
