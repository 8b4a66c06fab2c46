"""The tokens that a browser holds, and those that its forms have to show (RFC 6265bis).

A form's token is made of the browser's own by a key that is for nothing else: whoever can read
neither cannot make one, and it changes when the visit does.
"""

from __future__ import annotations

import base64
import hmac

from starlette.requests import Request
from starlette.responses import Response

FIELD = "token"  # of a form
HEADER = "x-ulak-form"  # of a request that htmx makes
TOKEN = 32  # octets
_VISIT, _FORM = "ulak-console", "ulak-form"
_FOR_FORMS = b"a form of the console of Ulak"


def secure(request: Request) -> bool:
    """Whether a request has come by TLS."""
    return request.url.scheme == "https"


def address(request: Request) -> str:
    """Give the IP address of the browser, `""` where it has none."""
    return request.client.host if request.client else ""


def visit_of(request: Request) -> str:
    """Give the token of a visit, `""` where the browser has none."""
    return request.cookies.get(_name(_VISIT, request), "")


def give_visit(response: Response, request: Request, token: str) -> None:
    """Let the browser have the token of a visit, until it is closed."""
    _give(response, request, _VISIT, token)


def take_visit(response: Response, request: Request) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        _name(_VISIT, request),
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="strict",
    )


def stranger_of(request: Request) -> str:
    """Give the token of a browser that nobody has logged in with, `""` where it has none."""
    return request.cookies.get(_name(_FORM, request), "")


def give_stranger(response: Response, request: Request, chance: bytes) -> str:
    """Let a browser have a token before anybody logs in; give it."""
    token = base64.urlsafe_b64encode(chance).decode().rstrip("=")
    _give(response, request, _FORM, token)
    return token


def form_token(token: str) -> str:
    """Give what a form has to show whose browser holds a token."""
    digest = hmac.digest(token.encode("utf-8", "replace"), _FOR_FORMS, "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def shown(request: Request, token: str) -> bool:
    """Whether a request shows the form's token of a browser that holds a token."""
    given = request.headers.get(HEADER, "")
    if not given:
        field = (await request.form()).get(FIELD)
        given = field if isinstance(field, str) else ""
    return bool(token) and hmac.compare_digest(given.encode(), form_token(token).encode())


def _name(name: str, request: Request) -> str:
    # `__Host-`: a browser takes it by TLS from this very host alone, and no subdomain can set it.
    return f"__Host-{name}" if secure(request) else name


def _give(response: Response, request: Request, name: str, token: str) -> None:
    response.set_cookie(
        _name(name, request),
        token,
        path="/",
        secure=secure(request),
        httponly=True,
        samesite="strict",
    )
