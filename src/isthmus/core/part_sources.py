"""Reads a part's docstring and options from its source text, without importing it: importing torch takes seconds.

Only what options are usually made of is understood: constants, types, `Literal`, `Annotated`, `Field(...)`, and names
of these, also from other modules. Everything else is `Unreadable`, and the part has to be imported.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isthmus.core.bounded_reading import read_bytes

_IMPORTED = ("typing", "collections.abc", "pydantic")  # modules whose names are used as they are
_TYPES = ("int", "float", "str", "bool", "list", "dict")
_OPERATIONS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.BitOr: operator.or_,
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Pow: operator.pow,
}
_LARGEST = 1 << 22  # bytes of a source file
_LARGEST_POWER = 64


class Unreadable(Exception):
    """The source holds something that only importing it can tell."""


@dataclass(frozen=True)
class PartSource:
    """What a part's source says: its docstring, and its options with evaluated annotations and defaults."""

    doc: str
    options: Mapping[str, inspect.Parameter]


def read_part(module: str, name: str | None = None) -> PartSource:
    """The class `name` of a module, or its one public class. Raises Unreadable."""
    try:
        source = _module(module)
        return _part(source, source.one_class() if name is None else source.named_class(name))
    except Unreadable:
        raise
    except Exception as error:  # evaluating what another package wrote can raise anything
        raise Unreadable(f"{module}: {error}") from error


def module_file(module: str) -> Path:
    """The source file of a module, found without importing the packages above it. Raises Unreadable."""
    top, *rest = module.split(".")
    loaded = sys.modules.get(top)
    spec = find_spec(top) if loaded is None else loaded.__spec__
    path = top
    for name in rest:
        if spec is None:
            break
        package = sys.modules.get(path)  # its folders may have been added to
        folders = spec.submodule_search_locations if package is None else package.__path__
        path = f"{path}.{name}"
        spec = PathFinder.find_spec(path, list(folders or ()))
    if spec is None or not spec.has_location or not str(spec.origin).endswith(".py"):
        raise Unreadable(f"{module}: has no source file")
    return Path(str(spec.origin))


def forget() -> None:
    """Read sources again, for example after a package was installed."""
    _module.cache_clear()


def _part(source: _Source, found: ast.ClassDef) -> PartSource:
    doc = ast.get_docstring(found)
    if found.decorator_list or found.keywords or doc is None:
        raise Unreadable(f"{found.name}: its options are not those of its source")
    names = [node.name for node in found.body if isinstance(node, ast.FunctionDef)]
    made = [node for node in found.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if "__new__" in names:
        raise Unreadable(f"{found.name}: is built by more than its __init__")
    if not made:
        if not found.bases or not all(
            source.is_from_isthmus(base) for base in found.bases
        ):  # another class may have options
            raise Unreadable(f"{found.name}: has no __init__ of its own")
        return PartSource(doc, {})
    if len(made) > 1 or made[0].decorator_list:
        raise Unreadable(f"{found.name}: has another __init__ than its source shows")
    arguments = made[0].args
    options = {
        argument.arg: inspect.Parameter(
            argument.arg,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if default is None else source.evaluated(default),
            annotation=Any if argument.annotation is None else source.annotation(argument.annotation),
        )
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    }
    return PartSource(doc, options)


class _Source:
    """A parsed module, whose constants and types are evaluated when they are asked for."""

    def __init__(self, module: str) -> None:
        self.module = module
        tree = ast.parse(read_bytes(module_file(module), largest=_LARGEST))
        self.doc = ast.get_docstring(tree) or ""
        self._classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        self._values: dict[str, ast.expr] = {}
        self._imports: dict[str, tuple[str, str]] = {}
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and not node.level and node.module:
                self._imports |= {name.asname or name.name: (node.module, name.name) for name in node.names}
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._values[node.targets[0].id] = node.value
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
                self._values[node.target.id] = node.value

    def one_class(self) -> ast.ClassDef:
        public = [found for name, found in self._classes.items() if not name.startswith("_")]
        if len(public) != 1:
            raise Unreadable(f"{self.module}: has {len(public)} public classes")
        return public[0]

    def named_class(self, name: str) -> ast.ClassDef:
        if name not in self._classes:
            raise Unreadable(f"{self.module}: has no class {name}")
        return self._classes[name]

    def is_from_isthmus(self, base: ast.expr) -> bool:
        found = self._imports.get(base.id) if isinstance(base, ast.Name) else None
        return found is not None and found[0].partition(".")[0] == "isthmus"

    def annotation(self, node: ast.expr) -> Any:
        found = self.evaluated(node)
        if isinstance(found, str):  # a type in quotes
            raise Unreadable(f"{self.module}: {found!r} is a name in quotes")
        return found

    def value(self, name: str) -> Any:
        if name in self._values:
            return self.evaluated(self._values[name])
        if name in self._imports:
            module, original = self._imports[name]
            if module in _IMPORTED:
                return getattr(importlib.import_module(module), original)
            return _module(module).value(original)
        if name in _TYPES:
            return getattr(builtins, name)
        raise Unreadable(f"{self.module}: {name} is no constant")

    def evaluated(self, node: ast.expr) -> Any:
        """The value of an expression. Raises Unreadable for all but the few kinds that options are made of."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self.value(node.id)
            case ast.Tuple() | ast.List():
                values = [self.evaluated(element) for element in node.elts]
                return tuple(values) if isinstance(node, ast.Tuple) else values
            case ast.Dict() if None not in node.keys:
                keys = [self.evaluated(key) for key in node.keys if key is not None]
                return dict(zip(keys, map(self.evaluated, node.values), strict=True))
            case ast.UnaryOp(op=ast.USub()):
                return -self.evaluated(node.operand)
            case ast.BinOp() if type(node.op) in _OPERATIONS:
                left, right = self.evaluated(node.left), self.evaluated(node.right)
                if isinstance(node.op, ast.Pow) and not abs(right) <= _LARGEST_POWER:
                    raise Unreadable(f"{self.module}: a power of {right}")
                return _OPERATIONS[type(node.op)](left, right)
            case ast.Subscript():
                return self.evaluated(node.value)[self.evaluated(node.slice)]
            case ast.Call(func=ast.Name(id=name)) if self._imports.get(name) == ("pydantic", "Field"):
                named = {word.arg: self.evaluated(word.value) for word in node.keywords if word.arg is not None}
                return self.value(name)(*map(self.evaluated, node.args), **named)
            case _:
                raise Unreadable(f"{self.module}: {ast.unparse(node)} is only known once it runs")


@cache
def _module(name: str) -> _Source:
    return _Source(name)


def doc_of_module(module: str) -> str:
    """A module's docstring. Raises Unreadable."""
    try:
        return _module(module).doc
    except (OSError, SyntaxError, ValueError) as error:
        raise Unreadable(f"{module}: {error}") from error
