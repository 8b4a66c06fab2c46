"""`ulak check address`: what this server would do with mail to an address, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ulak import config as settings
from ulak.cli import output
from ulak.cli.frame import FAILED, USAGE, Failure, say
from ulak.cli.options import config_option, json_option, lang_option

if TYPE_CHECKING:  # no other check has to wait for it
    from ulak.app.addressing import Looked, Member


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--bounce", is_flag=True)
@config_option
@json_option
@lang_option
@click.pass_context
def address(
    ctx: click.Context,
    /,
    address: str,
    config: Path | None,
    lang: str,
    *,
    bounce: bool,
    as_json: bool,
) -> int:
    """Say who gets the mail for an address, and why."""
    from ulak.app.addressing import look  # noqa: PLC0415 -- as above
    from ulak.smtp.grammar import GrammarError  # noqa: PLC0415 -- as above

    del lang
    try:
        looked = look(settings.load(config), address, bounce=bounce)
    except GrammarError as error:
        raise Failure(say(ctx, "address.no-address", given=output.clean(address)), USAGE) from error
    if as_json:
        output.json_object(_plain(looked))
    else:
        for line in _lines(ctx, looked):
            output.line(output.prose(line))
    return 0 if looked.reply.positive else FAILED


def _lines(ctx: click.Context, looked: Looked) -> list[str]:
    facts = {"address": output.clean(str(looked.address)), "reply": output.clean(str(looked.reply))}
    verdict = "taken" if looked.reply.positive else "refused"
    if looked.reply.temporary:
        verdict = "later"
    lines = [say(ctx, f"address.{verdict}", **facts)]
    lines += [say(ctx, f"address.{name}", **told) for name, told in _reasons(looked)]
    return lines + [say(ctx, f"address.{name}", **told) for name, told in map(_way, looked.members)]


def _reasons(looked: Looked) -> list[tuple[str, dict[str, str]]]:
    from ulak.server.directory import Foreign, Found, Moved, Returned  # noqa: PLC0415 -- as above

    reasons: list[tuple[str, dict[str, str]]] = []
    match looked.found:
        case Found(how=how, alias=alias, detail=detail):
            if detail is not None:
                reasons.append(("detail", {"detail": output.clean(detail)}))
            if how in ("catch-all", "return"):
                reasons.append((f"by-{how}", {}))
            else:
                kind = "alias" if alias else "mailbox"
                reasons.append((f"{kind}-by-{how}", {"alias": output.clean(alias)}))
        case Moved(to):
            reasons.append(("moved", {"to": output.clean(to)}))
        case Foreign():
            reasons.append(("foreign", {}))
        case Returned(problem):
            reasons.append((f"return-{problem}", {}))
        case _ if not looked.problem:
            reasons.append(("unknown", {}))
    if looked.problem:
        reasons.append(("trouble", {"problem": output.clean(looked.problem)}))
    return reasons


def _way(member: Member) -> tuple[str, dict[str, str]]:
    told = {"member": output.clean(member.address), "hop": output.clean(member.hop)}
    if member.maildir is not None:
        return "into", {**told, "folder": output.clean(str(member.maildir))}
    if member.sender:
        return "on-as", {**told, "sender": output.clean(member.sender)}
    return "on", told


def _plain(looked: Looked) -> dict[str, Any]:
    found = looked.found
    return {
        "address": str(looked.address),
        "reply": str(looked.reply),
        "cause": looked.reply.cause,
        "found": type(found).__name__.lower(),
        "how": str(getattr(found, "how", "")) or None,
        "alias": getattr(found, "alias", "") or None,
        "detail": getattr(found, "detail", None),
        "members": [
            {
                "address": member.address,
                "deliver": member.hop,
                "folder": None if member.maildir is None else str(member.maildir),
                "sender": member.sender or None,
            }
            for member in looked.members
        ],
        "problem": looked.problem or None,
    }
