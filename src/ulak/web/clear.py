"""Whether others could read along what is said in a request and its answer."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.types import Scope

_RELAYED = ("forwarded", "via", "x-forwarded-for")


def in_clear(scope: Scope) -> bool:
    """Whether a request came neither by TLS nor from this machine itself.

    What somebody on this machine passes on for somebody else, as a proxy does that nobody has
    told us of, came from elsewhere.
    """
    client = scope.get("client")
    if scope.get("scheme") == "https" or not client:
        return False
    headers = Headers(scope=scope)
    if any(name in headers for name in _RELAYED):
        return True
    try:
        return not ip_address(client[0]).is_loopback
    except ValueError:  # it came by no network
        return False
