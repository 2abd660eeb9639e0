"""Selections and scores as text: an expression over columns, of which a short list of Python's forms is understood.

Comparisons (chains too), `and`, `or`, `not` (also `&`, `|`, `~` between conditions), ``+ - * / %``, `abs`, `log`, `sqrt`,
names and numbers. The text becomes a tree by Python's own parser and is walked by ours; nothing is ever run as code.
"""

from __future__ import annotations

import ast
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp.errors import ConfigError

MOST_TEXT, MOST_DEPTH = 2000, 50
"""Characters and nesting of an expression."""
FUNCTIONS: dict[str, Callable[[Any], Any]] = {"abs": np.abs, "log": np.log, "sqrt": np.sqrt}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.Mod: np.mod}
_LOGIC: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.And: np.logical_and, ast.Or: np.logical_or, ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne}
_WIDE = {"f": np.float64, "i": np.int64, "u": np.int64}
ALLOWED = f"allowed: columns, numbers, < <= > >= == !=, and or not, + - * / %, {', '.join(FUNCTIONS)}"

Values = NDArray[Any]


class Expression:
    """A parsed expression; `columns` are the names it needs.

    Parameters
    ----------
    text : str
        Such as ``"mass > 90e3 and abs(eta) < 1.5"``; columns have the file's units.
    known : mapping
        Type of each column that exists: booleans are conditions, all else numbers.
    condition : bool
        Whether the result shall be a condition or a number.
    what : str, optional
        The option's name, for messages.

    Raises
    ------
    ConfigError
        For anything else than the forms above, a column that does not exist, or a result of the other kind.
    """

    def __init__(self, text: str, known: Mapping[str, np.dtype[Any]], condition: bool, what: str = "selection") -> None:
        self.text = " ".join(text.split())
        self._what = what
        self._known = known
        self._names: dict[str, None] = {}
        self._tree = self._parse()
        if self._check(self._tree, 0) != condition:
            raise self._error("is a number; allowed: a condition, such as mass > 90e3" if condition else
                              "is a condition; allowed: a number, such as vr1_ip3d_bu + vr2_ip3d_bu")
        if not self._names:
            raise self._error(f"names no column{near('', known)}")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the expression reads, in the order of their appearance."""
        return tuple(self._names)

    def __call__(self, columns: Any) -> Values:
        """Return the value in each row; `columns[name]` are arrays of one length, such as a compound array's fields.

        A comparison with what is not a number (the logarithm of a negative one, 0 / 0) is false, ``!=`` is true.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self._tree, columns))

    def _error(self, text: str) -> ConfigError:
        return ConfigError(f"{self._what} {self.text!r}: {text}")

    def _parse(self) -> ast.expr:
        if not self.text or len(self.text) > MOST_TEXT:
            raise ConfigError(f"{self._what}: {len(self.text)} characters; allowed: 1 to {MOST_TEXT}")
        try:
            with warnings.catch_warnings(action="ignore"):  # of spellings that Python will give up
                return ast.parse(self.text, mode="eval").body
        except SyntaxError as error:
            where = f" at character {error.offset}" if error.offset else ""
            raise self._error(f"cannot be understood{where} ({error.msg}); {ALLOWED}") from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise self._error(f"cannot be understood; {ALLOWED}") from None

    def _check(self, node: ast.expr, depth: int) -> bool:
        """Return whether a part is a condition; refuse what is not on the list."""
        if depth > MOST_DEPTH:
            raise self._error(f"nested deeper than {MOST_DEPTH}")
        if isinstance(node, ast.Constant):
            return self._check_number(node)
        if isinstance(node, ast.Name):
            return self._check_name(node.id)
        if isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
            return self._operands([node.left, *node.comparators], None, depth)
        if isinstance(node, ast.BoolOp):
            return self._operands(node.values, True, depth)
        if isinstance(node, ast.BinOp) and type(node.op) in _LOGIC:
            return self._operands([node.left, node.right], True, depth)
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return self._operands([node.left, node.right], False, depth)
        if isinstance(node, ast.UnaryOp):
            return self._operands([node.operand], isinstance(node.op, (ast.Not, ast.Invert)), depth)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
            if node.func.id not in FUNCTIONS:
                raise self._error(f"no function {node.func.id!r}; allowed: {', '.join(FUNCTIONS)}")
            return self._operands(node.args, False, depth)
        raise self._error(f"{ast.get_source_segment(self.text, node) or 'a part'!r} cannot be used; {ALLOWED}")

    def _operands(self, nodes: Iterable[ast.expr], conditions: bool | None, depth: int) -> bool:
        """Check operands: conditions, numbers, or (None, of comparisons) numbers and flags."""
        for node in nodes:
            found = self._check(node, depth + 1)
            flag = conditions is None and isinstance(node, (ast.Name, ast.Constant))
            if found != bool(conditions) and not flag:
                part = ast.get_source_segment(self.text, node)
                kinds = ("number", "condition")
                raise self._error(f"{part!r} is a {kinds[found]}, not a {kinds[not found]} "
                                  "(parentheses around comparisons next to & and |)")
        return conditions is not False

    def _check_number(self, node: ast.Constant) -> bool:
        if isinstance(node.value, bool):
            return True
        if not isinstance(node.value, (int, float)) or not _fits(node.value):
            raise self._error(f"{str(node.value)[:40]!r} cannot be used; {ALLOWED}")
        return False

    def _check_name(self, name: str) -> bool:
        if name not in self._known:
            raise self._error(f"no column {name!r}{near(name, self._known)}")
        self._names[name] = None
        return self._known[name].kind == "b"

    def _value(self, node: ast.expr, columns: Any) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                column = columns[node.id]
                return column if column.dtype.kind == "b" else column.astype(_WIDE[column.dtype.kind])
            case ast.Compare():
                sides = [self._value(n, columns) for n in (node.left, *node.comparators)]
                links = [_COMPARISONS[type(op)](*sides[i:i + 2]) for i, op in enumerate(node.ops)]
                return np.logical_and.reduce(links) if len(links) > 1 else links[0]
            case ast.BoolOp():
                return _folded(_LOGIC[type(node.op)], [self._value(n, columns) for n in node.values])
            case ast.BinOp():
                function = (_LOGIC | _ARITHMETIC)[type(node.op)]  # type: ignore[operator]
                return function(self._value(node.left, columns), self._value(node.right, columns))
            case ast.UnaryOp():
                value = self._value(node.operand, columns)
                if isinstance(node.op, (ast.Not, ast.Invert)):
                    return np.logical_not(value)
                return np.negative(value) if isinstance(node.op, ast.USub) else value
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return FUNCTIONS[name](self._value(argument, columns))
        raise AssertionError(node)


def near(name: str, known: Iterable[str]) -> str:
    """Return a hint at the columns whose names are like this one."""
    names = list(known)
    lower = {n.lower(): n for n in names}
    found = [lower[n] for n in get_close_matches(name.lower(), lower, 4, 0.6)]
    found += [n for n in names if len(name) > 2 and name.lower() in n.lower() and n not in found][:4]
    return f"; near: {', '.join(found)}" if found else f"; allowed: {', '.join(names)}"


def _fits(number: int | float) -> bool:
    return abs(number) < 2**63 if isinstance(number, int) else math.isfinite(number)


def _folded(function: Callable[[Any, Any], Any], values: list[Any]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = function(result, value)
    return result
