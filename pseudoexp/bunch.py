"""A dictionary whose keys are attributes, as scikit-learn returns its datasets."""

from __future__ import annotations

from typing import Any


class Bunch(dict[str, Any]):
    """Container of named results: ``bunch.data`` is ``bunch["data"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} here; there are {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(f"no {name!r} here; there are {', '.join(self)}") from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        return f"Bunch({', '.join(self)})"

    def copy(self) -> Bunch:
        """Return a shallow copy."""
        return Bunch(self)
