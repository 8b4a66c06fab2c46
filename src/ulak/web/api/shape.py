"""Whether a value has a shape, in as much of JSON Schema as the API's own bodies need."""

from __future__ import annotations

from typing import Any

_NUMBERS = (int, float)


def fits(value: object, schema: Any) -> bool:  # noqa: ANN401 -- JSON Schema has many shapes itself
    """Whether a value that was read from JSON fits a schema.

    Known are objects (`properties`, `required`, `minProperties`; no members but those that are
    named), arrays (`items`, `minItems`, `maxItems`), strings (`minLength`, `maxLength`, `enum`),
    numbers (`minimum`, `maximum`) and `const`.
    """
    if "const" in schema:
        # In JSON, 1 is not true.
        return type(value) is type(schema["const"]) and value == schema["const"]
    match schema["type"]:
        case "object":
            return isinstance(value, dict) and _object(value, schema)
        case "array":
            return (
                isinstance(value, list)
                and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1000)
                and all(fits(one, schema["items"]) for one in value)
            )
        case "string":
            return (
                isinstance(value, str)
                and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10_000)
                and ("enum" not in schema or value in schema["enum"])
            )
        case "number":
            return (
                isinstance(value, _NUMBERS)
                and not isinstance(value, bool)
                and schema["minimum"] <= value <= schema["maximum"]
            )
    message = f"shapes of type {schema['type']} are not known here"
    raise ValueError(message)


def _object(value: dict[str, Any], schema: Any) -> bool:  # noqa: ANN401 -- as above
    members = schema["properties"]
    return (
        value.keys() <= members.keys()
        and set(schema.get("required", ())) <= value.keys()
        and len(value) >= schema.get("minProperties", 0)
        and all(fits(one, members[name]) for name, one in value.items())
    )
