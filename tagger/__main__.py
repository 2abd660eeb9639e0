"""`python -m tagger`, and the command `tagger`."""

from __future__ import annotations

import sys

from pseudoexp.cli.interruption import stoppable


def main() -> None:
    """Run the command line and leave with its exit code."""
    with stoppable():
        from tagger.cli import main as run

        sys.exit(run())


if __name__ == "__main__":
    main()
