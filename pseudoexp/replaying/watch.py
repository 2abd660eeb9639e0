"""Watching functions: each call is reported with its arguments, by name, before and after.

Plain Python looks a function up in its module at every call, so a module's function can be replaced by one that calls it
and tells. Nothing of the engine has to know, and what runs is what runs in production.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any, NamedTuple

Arguments = dict[str, Any]


class Watch(NamedTuple):
    """A function to watch: `name`, as `module` knows it.

    `before(arguments)` may return a note, which `after(arguments, result, note)` gets.
    """

    module: ModuleType
    name: str
    after: Callable[[Arguments, Any, Any], None] | None = None
    before: Callable[[Arguments], Any] | None = None


@contextmanager
def watching(watches: Sequence[Watch]) -> Iterator[None]:
    """Report the calls of these functions while the block runs."""
    with ExitStack() as stack:
        for watch in watches:
            original = getattr(watch.module, watch.name)
            setattr(watch.module, watch.name, _told(original, watch))
            stack.callback(setattr, watch.module, watch.name, original)
        yield


def _told(function: Callable[..., Any], watch: Watch) -> Callable[..., Any]:
    signature = inspect.signature(function)

    def call(*positional: Any, **named: Any) -> Any:
        arguments = dict(signature.bind(*positional, **named).arguments)
        note = watch.before(arguments) if watch.before else None
        result = function(*positional, **named)
        if watch.after:
            watch.after(arguments, result, note)
        return result

    return call
