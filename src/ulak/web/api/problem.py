"""What the API answers where it cannot do what it was asked: problem details (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import JSONResponse

from ulak.web.words import say

KIND = "application/problem+json"


class Problem(Exception):  # noqa: N818 -- the RFC's word for it
    """A request that is not fulfilled.

    `name` is that of its texts, `api.problem.<name>.title` and `.detail`, with `facts` put in;
    `more` are further members (RFC 9457 §3.2).
    """

    def __init__(
        self,
        status: int,
        name: str,
        headers: Mapping[str, str] | None = None,
        /,
        *,
        more: Mapping[str, object] | None = None,
        **facts: object,
    ) -> None:
        super().__init__(f"{status} {name} {facts}")
        self.status = status
        self.name = name
        self.headers = headers or {}
        self.facts = facts
        self.more = more or {}

    def answer(self, language: str) -> JSONResponse:
        """Write it in a language."""
        told = {
            "type": f"urn:ulak:problem:{self.name}",
            "title": say(language, f"api.problem.{self.name}.title"),
            "status": self.status,
            "detail": say(language, f"api.problem.{self.name}.detail", **self.facts),
            **self.more,
        }
        headers = {"cache-control": "no-store", "content-language": language, **self.headers}
        return JSONResponse(told, self.status, headers, KIND)
