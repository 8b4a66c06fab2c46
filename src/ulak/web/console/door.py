"""The door of the console: logging in and out.

A password is tried by the doorkeeper of the mail server, who counts failures for both: answers
are late, addresses are shut out, and a name that there is not costs as much as one that there is.
Who is let in gets a token that no one has had before (no fixation), and only where the name has a
role.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ulak.accounts.account import Account, Role, key_of
from ulak.accounts.denied import Denied, Why
from ulak.accounts.password import LONGEST
from ulak.accounts.store import AccountsError, BusyError
from ulak.journal.deed import By
from ulak.log import Event
from ulak.web.console import cookies, returning
from ulak.web.console.desk import ROOT, Desk, Here, lead, visitor
from ulak.web.console.ports import OperationError
from ulak.web.console.table import Place, closed, refusal
from ulak.web.page import language_of, render
from ulak.web.words import say

_LONGEST_NAME = 320  # characters: more is no address (RFC 5321 §4.5.3.1)
_OK, _DENIED, _TOO_MANY = 200, 403, 429


def routes(desk: Desk) -> list[Route]:
    """Make the route of the login, which is for strangers."""

    async def answer(request: Request) -> Response:
        return closed(await _login(desk, request))

    return [Route(f"{ROOT}/login", answer, methods=["GET", "POST"])]


async def _login(desk: Desk, request: Request) -> Response:
    try:
        if request.method == "POST":
            return await _try(desk, request, await request.form())
        if await visitor(desk, request) is not None:
            return _onward(request, request.query_params.get(returning.FIELD, ""))
        return await _ask(desk, request)
    except BusyError:
        return refusal(request, "busy", 503)
    except AccountsError as error:
        return refusal(request, "accounts", 503, path=error.where)


async def _ask(
    desk: Desk,
    request: Request,
    *,
    status: int = _OK,
    trouble: str = "",
    name: str = "",
    then: str | None = None,
) -> Response:
    """Give the page that asks for a name and a password."""
    token = cookies.stranger_of(request)
    holder = Response()
    if not token:
        token = cookies.give_stranger(holder, request, desk.chance(cookies.TOKEN))
    response = render(
        request,
        "console/login.html",
        title=say(language_of(request), "console.login.title"),
        status=status,
        index=False,
        section="console",
        form=cookies.form_token(token),
        trouble=trouble,
        name=name,
        then=request.query_params.get(returning.FIELD, "") if then is None else then,
        nobody=not await asyncio.to_thread(desk.operators),
    )
    response.raw_headers += [row for row in holder.raw_headers if row[0] == b"set-cookie"]
    return response


async def _try(desk: Desk, request: Request, form: FormData) -> Response:
    """Try a name and a password."""
    language = language_of(request)
    name, given, then = (_text(form, field) for field in ("name", "password", returning.FIELD))
    if not await cookies.shown(request, cookies.stranger_of(request)):
        trouble = say(language, "console.login.stale")
        return await _ask(desk, request, status=_DENIED, trouble=trouble, name=name, then=then)
    ip = cookies.address(request)
    answer: Account | Denied
    if len(name) > _LONGEST_NAME or len(given) > LONGEST:
        answer = await desk.doorkeeper.failed(ip, "")
    else:
        answer = await desk.doorkeeper.password(ip, name.strip(), given)
    if isinstance(answer, Denied):
        await _told(desk, name, ip, answer.why.value)
        await desk.pause(answer.delay)
        if answer.why is Why.SHUT_OUT:
            trouble = say(language, "console.login.shut-out", minutes=answer.minutes)
            response = await _ask(desk, request, status=_TOO_MANY, trouble=trouble, then=then)
            response.headers["retry-after"] = str(max(1, answer.minutes) * 60)
            return response
        # Only who has the right password hears that the account is disabled.
        which = "disabled" if answer.why is Why.DISABLED else "wrong"
        trouble = say(language, f"console.login.{which}")
        return await _ask(desk, request, status=_DENIED, trouble=trouble, name=name, then=then)
    if not answer.role:
        await _told(desk, name, ip, "no-role")
        trouble = say(language, "console.login.no-role", address=answer.address)
        return await _ask(desk, request, status=_DENIED, trouble=trouble, name=name, then=then)
    old = cookies.visit_of(request)
    if old:
        await asyncio.to_thread(desk.visits.end, old)
    token = await asyncio.to_thread(desk.visits.begin, answer, ip)
    desk.log.emit(Event.CONSOLE_LOGIN, account=answer.address, ip=ip, role=answer.role.value)
    await _noted(desk, "login", By(answer.address, "console", ip))
    response = _onward(request, then)
    cookies.give_visit(response, request, token)
    return response


def _onward(request: Request, then: str) -> Response:
    """Lead to where somebody wanted to go, if that is in the console."""
    path, query = returning.inside(then) or ("", "")
    return lead(request, path, query)


async def _told(desk: Desk, name: str, ip: str, why: str) -> None:
    """Tell the log and the journal of a login that was denied.

    What is no address is not kept: it may be a password in the wrong field.
    """
    known = (key_of(name) if len(name) <= _LONGEST_NAME else None) or ""
    desk.log.emit(Event.CONSOLE_DENIED, account=known, ip=ip, why=why)
    await _noted(desk, "login-denied", By(known, "console", ip), denied=why)


async def _noted(desk: Desk, verb: str, by: By, **facts: str) -> None:
    try:
        await desk.operation.note(verb, by, facts)
    except OperationError as error:  # the log has it, and nobody is kept out for that
        desk.log.emit(Event.CONSOLE_UNNOTED, verb=verb, problem=error.name)


def _text(form: FormData, field: str) -> str:
    value = form.get(field, "")
    return value if isinstance(value, str) else ""


async def _logout(here: Here) -> Response:
    """End this visit."""
    await asyncio.to_thread(here.desk.visits.end, here.token)
    return await _left(here, "logout")


async def _logout_everywhere(here: Here) -> Response:
    """End all visits of this account."""
    await asyncio.to_thread(here.desk.visits.end_all, here.account.key)
    return await _left(here, "logout-everywhere")


async def _left(here: Here, verb: str) -> Response:
    desk = here.desk
    desk.log.emit(Event.CONSOLE_LOGOUT, account=here.account.address, ip=here.ip)
    await _noted(desk, verb, here.by)
    response = here.lead("/login")
    cookies.take_visit(response, here.request)
    return response


async def _visits(here: Here) -> Response:
    """Show from where this account is logged in."""
    visits = await asyncio.to_thread(here.desk.visits.of, here.account.key)
    return here.page(
        "console/visits.html",
        title=here.say("console.visits.title"),
        visits=visits,
        rules=here.desk.visits.rules,
    )


PLACES = (
    Place("/visits", show=_visits),
    Place("/logout", act=_logout, needs=Role.READ_ONLY),
    Place("/logout-everywhere", act=_logout_everywhere, needs=Role.READ_ONLY),
)
