"""That something of which there is only so much has all been given out."""

from __future__ import annotations

from starlette.exceptions import HTTPException

CHECKS = "checks"  # that are made for visitors
BODIES = "bodies"  # octets of what visitors send

_STATUS = 503


class FullError(HTTPException):
    """503: all is given out `of` something, and after `wait` seconds it may be asked for again.

    The page says of what, in the texts `frame.failure.503-<of>`.
    """

    def __init__(self, of: str, wait: int) -> None:
        super().__init__(_STATUS, headers={"retry-after": str(wait)})
        self.of = of
