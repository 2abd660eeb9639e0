"""``python -m pseudoexp``."""

from pseudoexp.cli.app import main

if __name__ == "__main__":
    main()
