"""The description of the API (OpenAPI 3.1), made from its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from ulak.web.api.operation import Operation, Parameter
from ulak.web.api.problem import KIND
from ulak.web.api.schemas import SCHEMAS, ref
from ulak.web.words import say

PLACE = "/api/v1"
_ALWAYS = (400, 429, 500)
_OF_TOKENS = (401, 403)


def description(operations: Sequence[Operation], base: str, language: str) -> dict[str, Any]:
    """Write the document, with its sentences in a language. `base` is the site's address."""
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, language)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": say(language, "api.title"),
            "summary": say(language, "api.summary"),
            "description": say(language, "api.description"),
            "version": version("ulak"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": f"{base}{PLACE}"}],
        "tags": [
            {"name": name, "description": say(language, f"api.tag.{name}")}
            for name in ("public", "operator")
        ],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": say(language, "api.token"),
                }
            },
        },
    }


def _operation(one: Operation, language: str) -> dict[str, Any]:
    named = any(each.place == "path" for each in one.parameters)
    statuses = {*_ALWAYS, *(_OF_TOKENS if one.scope else ()), *one.problems}
    statuses |= {404} if named else set()
    told: dict[str, Any] = {
        "operationId": one.name,
        "tags": ["operator" if one.scope else "public"],
        "summary": say(language, f"api.operation.{one.name}"),
        "responses": {
            str(one.status): {
                "description": say(language, f"api.status.{one.status}"),
                "content": {one.kind: {"schema": ref(one.answer)}},
            },
            **{str(status): _problem(status, language) for status in sorted(statuses)},
        },
    }
    if one.parameters:
        told["parameters"] = [_parameter(each, language) for each in one.parameters]
    if one.body is not None:
        content: Mapping[str, Any] = one.body.kinds
        told["requestBody"] = {
            "required": True,
            "content": {kind: {"schema": schema} for kind, schema in content.items()},
        }
    if one.scope:
        told["security"] = [{"token": []}]
        told["description"] = say(language, "api.needs", scope=one.scope)
    return told


def _parameter(one: Parameter, language: str) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "schema": one.schema,
        "description": say(language, f"api.parameter.{one.name}"),
    }


def _problem(status: int, language: str) -> dict[str, Any]:
    return {
        "description": say(language, f"api.status.{status}"),
        "content": {KIND: {"schema": ref("Problem")}},
    }
