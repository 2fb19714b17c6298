"""The API's description as TypeScript: the page's compiler then finds each word and field that the page does not know.

    python -m web.typescript      write web/ui/src/api/described.ts anew

The file is committed, because the page is built where there is no server; a test compares both.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import msgspec

from web import wire
from web.openapi import Json, schemas_of

TARGET = Path(__file__).parent / "ui" / "src" / "api" / "described.ts"
_HEAD = """/** The server's answers, made from its description of the API by `make types`. Not to be changed by hand. */

"""
_SCALARS = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def components() -> dict[str, Json]:
    """The schemas of every struct of the API, and of its lists of words, by name."""
    exported = [getattr(wire, name) for name in wire.__all__ if name != "Answer"]
    return schemas_of([kind for kind in exported if isinstance(kind, type) and issubclass(kind, msgspec.Struct)])[1]


def declarations(schemas: Mapping[str, Json]) -> str:
    """One exported type for each schema, by name."""
    return _HEAD + "\n\n".join(_declaration(name, schemas[name]) for name in sorted(schemas)) + "\n"


def _declaration(name: str, schema: Json) -> str:
    said = _comment(str(schema.get("description", "")))
    if "properties" not in schema:
        return f"{said}export type {name} = {_type(schema)};"
    properties = cast("dict[str, Json]", schema["properties"])
    fields = [f"  {field}: {_type(kind)};" for field, kind in properties.items()]
    return "\n".join([f"{said}export interface {name} {{", *fields, "}"])


def _comment(text: str) -> str:
    lines = [line.strip().replace("``", "`") for line in text.splitlines()]
    if len(lines) < 2:
        return "".join(f"/** {line} */\n" for line in lines)
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */", ""])


def _type(schema: object) -> str:
    """The type that a schema describes; `unknown` for one that says nothing."""
    match schema:
        case {"$ref": str(path)}:
            return path.rpartition("/")[2]
        case {"enum": [*words]}:
            return " | ".join(map(json.dumps, words))
        case {"anyOf": [*kinds]}:
            return " | ".join(map(_type, kinds))
        case {"prefixItems": [*kinds]}:
            return f"[{', '.join(map(_type, kinds))}]"
        case {"type": "array", "items": kind}:
            inner = _type(kind)
            return f"({inner})[]" if " | " in inner else f"{inner}[]"
        case {"type": "object", "propertyNames": keys, "additionalProperties": kind}:
            return f"Partial<Record<{_type(keys)}, {_type(kind)}>>"
        case {"type": "object", "additionalProperties": kind}:
            return f"Record<string, {_type(kind)}>"
        case {"type": str(name)}:
            return _SCALARS.get(name, "unknown")
        case _:
            return "unknown"


if __name__ == "__main__":
    TARGET.write_text(declarations(components()), encoding="utf-8")
