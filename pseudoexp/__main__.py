"""``python -m pseudoexp``, and the command ``pseudoexp``."""

from pseudoexp.cli.interruption import stoppable


def main() -> None:
    """Run the command line and exit."""
    with stoppable():
        from pseudoexp.cli.app import main as command_line

        command_line()


if __name__ == "__main__":
    main()
