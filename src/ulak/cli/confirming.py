"""`ulak explain --check`: whether it is so now what a reply says, and what to change."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import click

from ulak import config as settings
from ulak.app.confirming import Confirmer
from ulak.app.diagnosing import PATIENCE, TooLateError
from ulak.cli import output
from ulak.cli.check import address, path, server
from ulak.cli.frame import FAILED, Failure, say
from ulak.diagnose.printed import printed
from ulak.diagnose.reply import Confirmation, Given, Returned, Verdict, returned
from ulak.replies.explain import Explanation


class Checking:
    """Checks replies as the options say. A context manager; `code` is how the command ends."""

    def __init__(self, ctx: click.Context, lang: str, options: dict[str, Any]) -> None:
        if options["ip"] is not None:
            address(ctx, options["ip"])
        given = Given(
            ip=options["ip"] or "",
            helo=options["helo"] or "",
            mail_from=path(options["mail_from"]),
            from_domain=options["from_domain"] or "",
            domain=options["domain"] or "",
            selectors=options["selectors"],
        )
        dns = server(ctx, options["dns"])
        self.code = 0
        self._ctx = ctx
        self._lang = lang
        self._confirmer = Confirmer(settings.load(options["config"]), dns, given)
        self._back: Returned | None = None

    def __enter__(self) -> Self:
        self._confirmer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._confirmer.__exit__(kind, error, trace)

    def read(self, bounce: bytes) -> None:
        """Take what a bounce returns as what its replies are about."""
        self._back = returned(bounce)

    def check(self, told: Explanation, recipient: str) -> Confirmation:
        """Check one reply."""
        try:
            made = self._confirmer.confirm(told, self._back, recipient)
        except TooLateError as error:
            sentence = say(self._ctx, "check.too-late", seconds=f"{PATIENCE:g}")
            raise Failure(sentence, FAILED) from error
        if made.verdict is Verdict.CONFIRMED:
            self.code = FAILED
        return made

    def show(self, made: Confirmation) -> None:
        """Show what came of it below what the reply means."""
        head = say(self._ctx, "explain.now")
        output.line()
        output.line(output.paint(f"{head}\n{'-' * len(head)}", "cyan", bold=True))
        text = printed(made.diagnosis, self._lang, width=output.width(), paint=output.paint)
        output.line(text.rstrip("\n"))
