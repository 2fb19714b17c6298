"""The types that the page is compiled against are those of the API's description."""

import re
from typing import get_args

import pytest

from tests.web.server import Server
from web import wire
from web.typescript import TARGET, components, declarations


def test_page_s_types_are_those_of_the_server() -> None:
    written = TARGET.read_text(encoding="utf-8")
    assert written == declarations(components()), "web/wire has changed: run `make types`, then `make check`"


async def test_description_that_is_served_has_the_same_schemas(server: Server) -> None:
    served = (await server.ask("/api/openapi.json")).json["components"]["schemas"]
    mine = components()
    assert {name: mine.get(name) for name in served} == served


def test_every_list_of_words_is_a_type_with_all_its_words() -> None:
    text = declarations(components())
    for name, kind in wire.WORDS.items():
        found = re.search(rf"^export type {name} = (.*);$", text, re.MULTILINE)
        assert found is not None, name
        assert set(re.findall(r'"(\w+)"', found[1])) == set(get_args(kind))


def test_no_list_of_words_stands_in_a_struct_without_a_name() -> None:
    """A list without a name cannot be asked for as a whole; a tag of one word is no list."""
    assert re.findall(r'^ .*"\w+" \| "\w+".*$', declarations(components()), re.MULTILINE) == []


def test_no_two_lists_have_the_same_words() -> None:
    lists = [frozenset(get_args(kind)) for kind in wire.WORDS.values()]
    assert len(set(lists)) == len(lists)


@pytest.mark.parametrize(
    ("schema", "line"),
    [
        ({"type": "integer"}, "  x: number;"),
        ({"anyOf": [{"$ref": "#/components/schemas/Gap"}, {"type": "null"}]}, "  x: Gap | null;"),
        ({"type": "array", "items": {"enum": ["a", 'b"']}}, '  x: ("a" | "b\\"")[];'),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]}, "  x: [number, string];"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "  x: Record<string, boolean>;"),
        ({}, "  x: unknown;"),
    ],
)
def test_schema_becomes_its_type(schema: dict[str, object], line: str) -> None:
    text = declarations({"Thing": {"description": "One\n\n  ``two``", "properties": {"x": schema}}})
    assert line in text.splitlines()
    assert "/**\n * One\n *\n * `two`\n */\nexport interface Thing {" in text
