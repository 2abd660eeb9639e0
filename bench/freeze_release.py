"""Write what made a file into the releases: `python bench/freeze_release.py NAME FILE [--frozen]`.

The file is verified and held against the release first. Without `--frozen` the release stays a candidate, now with versions and
hash; with it the release never changes again.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import pseudoexp
from pseudoexp.benchmark.registry import PINS, SOURCE, Release, parse
from pseudoexp.core.files import whole_file
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import PseudoexpError

PAGE = Path(pseudoexp.__file__).parent / "benchmark" / SOURCE


def pins(file: Path, one: Release) -> dict[str, str]:
    """Return what a file pins, after verifying it and comparing it with what the release says without pins."""
    from dataclasses import replace

    from pseudoexp.benchmark.compare import compare

    checked = pseudoexp.verify(file)
    bare = replace(one, **dict.fromkeys(PINS, ""))
    if found := compare(file, bare).differences:
        raise PseudoexpError(f"{file}: not release {one.name} ({found[0]})")
    identity = bare.config.identity()
    return {"engine_version": identity["engine_version"], "dataset_version": identity["dataset_version"],
            "weights_table": identity["calibration_sha256"],
            "configuration_hash": str(probe(file).attributes["configuration_hash"]), "dataset_hash": checked.dataset_hash}


def written(text: str, name: str, values: dict[str, str], frozen: bool) -> str:
    """Return the text of the releases with the pins of one of them replaced."""
    table = re.search(rf"^\[{re.escape(name)}\]\n(?:(?!\[).*\n?)*", text, re.MULTILINE)
    assert table is not None
    lines = [line for line in table[0].rstrip("\n").splitlines() if line.split(" = ")[0] not in PINS]
    lines += [f'{key} = "{value}"' for key, value in values.items()]
    if frozen:
        lines = [re.sub(r'^status = "candidate"', 'status = "frozen"', line) for line in lines]
    rest = text[table.end():]
    return text[:table.start()] + "\n".join(line for line in lines if line) + ("\n\n" + rest if rest else "\n")


def main() -> int:
    """Freeze one release; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("file", type=Path)
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--releases", type=Path, default=PAGE, help="another releases.toml")
    options = parser.parse_args()
    try:
        text = options.releases.read_text(encoding="utf-8")
        known = parse(text, str(options.releases))
        if options.name not in known:
            raise PseudoexpError(f"release {options.name!r}; allowed: {', '.join(known)}")
        if known[options.name].frozen:
            raise PseudoexpError(f"{options.name} is frozen; a changed release needs another name")
        new = written(text, options.name, pins(options.file, known[options.name]), options.frozen)
        parse(new, "the new text")
        with whole_file(options.releases) as file:
            file.write(new.encode())
    except PseudoexpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{options.releases}: {options.name} written; next: python -m tagger baseline all --release {options.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
