"""A process that dies at the worst moments."""

from __future__ import annotations

from typing import Any


class DeadError(BaseException):
    """The process is gone."""


class Mortal:
    """Lets the process die before or after the n-th call of what lasts."""

    def __init__(self, inner: Any, life: list[int], *, after: bool) -> None:
        self._inner = inner
        self._life = life
        self._after = after

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._inner, name)
        if name not in ("issue", "settle", "put", "release"):
            return verb
        life = self._life

        def lived() -> bool:
            life[0] -= 1
            return life[0] >= 0

        if name in ("put", "release"):

            async def waited(*args: Any, **wishes: Any) -> Any:
                alive = lived()
                if not alive and not self._after:
                    raise DeadError
                found = await verb(*args, **wishes)
                if not alive:
                    raise DeadError
                return found

            return waited

        def done(*args: Any) -> Any:
            alive = lived()
            if not alive and not self._after:
                raise DeadError
            found = verb(*args)
            if not alive:
                raise DeadError
            return found

        return done
