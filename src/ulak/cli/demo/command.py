"""The command, from the start of the lab to the exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from ulak.cli import output
from ulak.cli.demo.client import ConversationError
from ulak.cli.demo.day import DAY, provider
from ulak.cli.demo.scene import TEXTS, Scene, fields
from ulak.cli.demo.show import Shower, closing, heading, opening, quiet
from ulak.cli.demo.stage import Stage, StageError
from ulak.cli.demo.steps import STEPS, Step
from ulak.cli.frame import FAILED, Failure
from ulak.cli.options import json_option, lang_option

_ENDS = (signal.SIGTERM, signal.SIGHUP)


@click.command()
@click.option("--day", is_flag=True, help="Play a day at a large provider instead.")
@json_option
@lang_option
def demo(*, day: bool, as_json: bool, lang: str) -> int:
    """Take a tour on an internet in a box: what is refused, delivered and bounced, and why.

    Nothing leaves the machine. It ends by itself, with 0 only if every step went as it should.
    """
    with tempfile.TemporaryDirectory(prefix="ulak-demo-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder), provider() if day else None)
        try:
            return asyncio.run(tour(stage, lang, as_json=as_json, steps=DAY if day else STEPS))
        except StageError as error:
            facts = {name: output.clean(fact) for name, fact in error.facts.items()}
            raise Failure(TEXTS.say(lang, f"problem.{error.trouble}", **facts)) from error


async def tour(stage: Stage, lang: str, *, as_json: bool, steps: Mapping[str, Step] = STEPS) -> int:
    """Take all steps on a stage; give the exit code. Raises StageError."""
    begun = time.monotonic()
    scenes: list[Scene] = []
    with _ended_by_signals() as ended:
        try:
            async with stage:
                if not as_json:
                    opening(stage, lang)
                for number, (name, step) in enumerate(steps.items(), 1):
                    show = quiet if as_json else Shower(lang, fold=number > 1)
                    scene = Scene(name, number, lang, output.width(), show)
                    scenes.append(scene)
                    if not as_json:
                        heading(scene, len(steps))
                    try:
                        await step(scene, stage)
                    except ConversationError as error:
                        came = scene.words(f"broken.{error.how}", last=error.last or "-")
                        scene.check("dialogue", came, ok=False)
                    if as_json:
                        output.json_object(fields(scene))
        except asyncio.CancelledError:
            if not ended:
                raise
            return 128 + ended[0]
    if not as_json:
        closing(scenes, lang, time.monotonic() - begun)
    return 0 if all(scene.ok for scene in scenes) else FAILED


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end the tour as Ctrl-C does; give the one that came."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 -- a coroutine runs in a task
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        task.cancel()

    # What whoever started us wants ignored (nohup) stays ignored.
    wanted = [number for number in _ENDS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in wanted:
        loop.add_signal_handler(number, end, number)
    try:
        yield ended
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)
