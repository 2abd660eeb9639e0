"""Write docs/datasheet.md and docs/release.md, with figures, from the file of a release.

    python docs/make_release_pages.py v1-small.h5 [--release v1-small]

measures the file (docs/release.json), draws, and writes both pages; without a file it writes the pages again from
docs/release.json, after a change of their texts in docs/site/.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "site"))
import release_facts
import release_figures

DOCS = Path(__file__).parent
FACTS = DOCS / "release.json"
PAGES = ("datasheet.md", "release.md")
MOST_BYTES = 300_000
"""Of all figures together."""


def page(name: str, facts: dict) -> str:
    """Return a page: its text from docs/site/, with the figures of a release filled in."""
    return (DOCS / "site" / name).read_text(encoding="utf-8").format(**release_facts.texts(facts))


def measure(file: Path, release: str) -> dict:
    """Return what the pages say about a file, and when, how and from which commit it was measured."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=DOCS, capture_output=True, text=True, check=False)
    made = {"date": str(date.today()), "commit": commit.stdout.strip() or "unknown",
            "command": f"python docs/make_release_pages.py {file.name} --release {release}"}
    return {"made": made} | release_facts.measure(file, release)


def main() -> None:
    """Measure a file if one is given, and write the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--release", default="v1-small")
    options = parser.parse_args()
    if options.file is not None:
        FACTS.write_text(json.dumps(measure(options.file, options.release), indent=1) + "\n", encoding="utf-8")
        size = release_figures.draw(options.file, DOCS)
        if size > MOST_BYTES:
            raise SystemExit(f"the figures take {size} bytes; allowed: {MOST_BYTES}")
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    for name in PAGES:
        (DOCS / name).write_text(page(name, facts), encoding="utf-8")


if __name__ == "__main__":
    main()
