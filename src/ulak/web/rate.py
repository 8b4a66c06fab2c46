"""How often one client may do something: so many at once, and then evenly.

The generic cell rate algorithm (ITU-T I.371): one number for a client, the time at which all that
it was given would have come evenly.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request

_MOST_CLIENTS = 20_000
_HOST_BITS = 64  # one IPv6 customer has at least a /64 (RFC 6177 §2)
_TOO_MANY = 429  # RFC 6585 §4


class Rate:
    """Lets each client do something `most` times within `seconds`. `clock` only goes forward."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._step = seconds / most if most else math.inf
        self._clock = clock
        self._until: dict[str, float] = {}

    @property
    def never(self) -> bool:
        """Whether nobody may do it at all."""
        return not self._most

    def wait(self, client: str, weight: float = 1.0) -> float:
        """Count one more of a client and give 0, or how many seconds it has to wait for it.

        What weighs more counts as that many, and at most as all that a client has.
        """
        if not self._most:
            return math.inf
        now = self._clock()
        after = max(self._until.get(client, now), now) + self._step * min(weight, self._most)
        late = after - now - self._most * self._step
        if late > self._step * 1e-9:
            return late
        if client not in self._until and len(self._until) >= _MOST_CLIENTS:
            self._forget(now)
        self._until[client] = after
        return 0.0

    def _forget(self, now: float) -> None:
        """Forget those to whom nothing counts any more, and where that is too few, the half."""
        order = sorted(self._until.items(), key=lambda row: row[1])
        half = order[len(order) // 2 :]
        self._until = {client: until for client, until in half if until > now}

    def count(self, request: Request, weight: float = 1.0) -> None:
        """Count a request. Raises HTTPException with 429 and Retry-After where it is too many."""
        wait = self.wait(client_of(request), weight)
        if wait:
            retry = {"retry-after": str(math.ceil(min(wait, 86_400.0)))}
            raise HTTPException(_TOO_MANY, headers=retry)


def client_of(request: Request) -> str:
    """Give what counts as one client: an IPv4 address, or an IPv6 network."""
    host = request.client.host if request.client is not None else ""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:  # noqa: PLR2004 -- IPv4
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS))
