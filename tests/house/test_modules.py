"""The shape of the package: sizes, names, first lines, and who may make a reply."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.repository import SOURCE, dotted, modules

LONGEST = 400  # lines
BANNED = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}


def parsed() -> Iterator[tuple[Path, ast.Module]]:
    for module in modules():
        yield module, ast.parse(module.read_text("utf-8"))


def makers(tree: ast.AST) -> list[int]:
    """Give the lines on which a Reply is made, under whatever name it was imported."""
    names, rooms = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in (
            "ulak.replies",
            "ulak.replies.reply",
        ):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "Reply"}
            rooms |= {alias.asname or alias.name for alias in node.names if alias.name == "reply"}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _names_reply(node.func, names, rooms)
    ]


def _names_reply(function: ast.expr, names: set[str], rooms: set[str]) -> bool:
    match function:
        case ast.Name(name):
            return name in names
        case ast.Attribute(ast.Name(room), "Reply"):
            return room in rooms
        case ast.Attribute(ast.Attribute(attr="reply"), "Reply"):
            return True
        case _:
            return False


def test_only_the_vocabulary_makes_replies() -> None:
    found = [
        f"{dotted(module)}:{line}"
        for module, tree in parsed()
        if SOURCE / "replies" not in module.parents
        for line in makers(tree)
    ]
    assert not found, "make them from a row of ulak.replies.catalog"


@pytest.mark.parametrize(
    "code",
    [
        "from ulak.replies.reply import Reply\nReply(250, None, ())",
        "from ulak.replies.reply import Reply as R\nx = [R(250, None, ())]",
        "from ulak.replies import reply\nreply.Reply(250, None, ())",
        "import ulak.replies.reply\nulak.replies.reply.Reply(250, None, ())",
    ],
)
def test_a_reply_made_elsewhere_would_be_seen(code: str) -> None:
    assert makers(ast.parse(code)) == [2]


def test_no_module_is_too_long() -> None:
    lengths = {dotted(m): m.read_text("utf-8").count("\n") for m in modules()}
    too_long = {name: length for name, length in lengths.items() if length > LONGEST}
    assert not too_long, "part them into folders that re-export"


def test_every_module_is_named_for_what_it_is() -> None:
    assert not {dotted(m) for m in modules() if BANNED & set(dotted(m).split("."))}


def test_every_module_says_what_it_is() -> None:
    mute = [dotted(module) for module, tree in parsed() if not ast.get_docstring(tree)]
    assert not mute
