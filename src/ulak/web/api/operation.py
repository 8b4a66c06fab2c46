"""What an operation of the API is: its place, what it takes, what it answers, who may ask."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from ulak.accounts.access import AccessToken
from ulak.journal.deed import By
from ulak.web.api.problem import Problem
from ulak.web.api.shape import fits

_LONGEST_NUMBER = 30  # characters
# As JSON has them (RFC 8259 §6), since `int` and `float` take more than that.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

Schema = Mapping[str, Any]
Handler = Callable[["Call"], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value in the path, in the query or in the header.

    `schema` is JSON Schema of a string (`maxLength`, `minLength`, `enum`), an integer or a number
    (`minimum`, `maximum`), a boolean, or an array of strings (`maxItems`): no other parts of it
    are known here. It is described by the text `api.parameter.<name>`.
    """

    name: str
    schema: Schema
    place: str = "query"
    required: bool = False

    def read(self, given: list[str]) -> Any:  # noqa: ANN401 -- what the schema says
        """Take what was given; None where it is nothing. Raises Problem."""
        if self.schema["type"] == "array":
            if len(given) > self.schema["maxItems"]:
                raise self._problem()
            return [self._one(text, self.schema["items"]) for text in given]
        if not given:
            if self.required:
                raise Problem(400, "parameter-missing", name=self.name)
            return self.schema.get("default")
        if len(given) > 1:
            raise self._problem()
        return self._one(given[0], self.schema)

    def _one(self, text: str, schema: Schema) -> Any:  # noqa: ANN401 -- as above
        match schema["type"]:
            case "integer" | "number":
                return self._number(text, schema)
            case "boolean":
                if text not in ("true", "false"):
                    raise self._problem()
                return text == "true"
            case _:
                if not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", 1000):
                    raise self._problem()
                if "enum" in schema and text not in schema["enum"]:
                    raise self._problem()
                return text

    def _number(self, text: str, schema: Schema) -> int | float:
        whole = schema["type"] == "integer"
        if len(text) > _LONGEST_NUMBER or not (_INTEGER if whole else _NUMBER).fullmatch(text):
            raise self._problem()
        value = int(text) if whole else float(text)
        if not schema.get("minimum", 0) <= value <= schema["maximum"]:
            raise self._problem()
        return value

    def _problem(self) -> Problem:
        return Problem(400, "parameter-wrong", name=self.name)


@dataclass(frozen=True, slots=True)
class Content:
    """A body that an operation takes: its schema by media type, and its largest size in octets."""

    kinds: Mapping[str, Schema]
    most: int


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `name` is its `operationId`, and its texts are `api.operation.<name>.*`.

    `answer` names a schema of `ulak.web.api.schemas`. `scope` is what a token has to allow; `""`:
    anybody may ask. `weight`: as how many requests of its client it counts. `status` and `kind`
    are those of an answer which is no problem; a handler that gives a Response has made it
    itself. `fresh`: the answer is true now, and no cache may keep it.
    """

    name: str
    method: str
    path: str
    handler: Handler
    answer: str
    scope: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Content | None = None
    weight: float = 1.0
    fresh: bool = False
    problems: tuple[int, ...] = ()
    status: int = 200
    kind: str = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read: its values by name, its body and of which media type, who asks."""

    request: Request
    language: str
    values: Mapping[str, Any]
    body: bytes = b""
    kind: str = ""
    by: By = field(default_factory=By)
    token: AccessToken | None = None

    def json(self, schema: Schema) -> dict[str, Any]:
        """Give the body's object, which fits a schema. Raises Problem where it does not."""
        try:
            read = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Problem(400, "body-wrong") from None
        if not fits(read, schema):
            raise Problem(400, "body-wrong")
        told: dict[str, Any] = read
        return told
