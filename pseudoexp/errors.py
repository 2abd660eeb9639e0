"""The few exceptions of the package. Each message is one line: what is wrong, where, what is allowed."""

from __future__ import annotations


class PseudoexpError(Exception):
    """Base of all errors raised on purpose; a user's mistake unless a subclass says otherwise (exit code 2)."""

    exit_code = 2


class ConfigError(PseudoexpError):
    """A configuration value, key or command-line option is wrong."""


class SchemaError(PseudoexpError):
    """A file is not what it should be: foreign, truncated, of another version, or with missing columns."""


class DamagedFile(SchemaError):
    """A file of ours whose content is not what its hashes say (exit code 1)."""

    exit_code = 1


class DataError(PseudoexpError):
    """A readable file or sample cannot serve the purpose, such as one without both classes."""


class MissingExtra(PseudoexpError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed: pip install 'pseudoexp[{extra}]'")


class Interrupted(PseudoexpError):
    """The user, or SIGTERM, stopped the program (exit code 130, or 143)."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class GenerationError(PseudoexpError):
    """The program failed on its own: NaN in a record, an engine that stopped (exit code 1)."""

    exit_code = 1
