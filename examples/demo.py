"""The whole way in one go: events, network, 12 of 39 features, half of the nodes, fixed point, checked firmware, report.

    python examples/demo.py --out demo [--n 50000]

Every step is a command a user can type; each is printed before it runs.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

STEPS = (
    ("pseudoexp generate --n {n} --out {out}/data.h5 --force", "pp collisions, detector, jets, flavour tagging"),
    ("tagger train {out}/data.h5 --out {out}/runs/base --force", "the network on all 39 features"),
    ("tagger select {out}/data.h5 --features 12 --out {out}/runs/f12 --force", "the best 12 features"),
    ("tagger prune {out}/data.h5 --model {out}/runs/f12 --nodes 50% --out {out}/runs/half --force",
     "half of its hidden nodes"),
    ("tagger quantise {out}/data.h5 --model {out}/runs/half --out {out}/runs/q --force", "fixed point, bit by bit"),
    ("tagger export {out}/runs/q --backend hls4ml --out {out}/fw --force", "firmware, compiled and checked"),
    ("tagger report {out}/runs/base {out}/runs/f12 {out}/runs/half {out}/runs/q --out {out}/report.html --force", "the page"),
)


def main() -> int:
    """Run all steps; stop at the first that fails, with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--n", default="50000", help="rows to generate")
    options = parser.parse_args()
    if shutil.which("g++") is None:
        print("error: the firmware check needs g++: install your system's C++ compiler", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    for number, (template, purpose) in enumerate(STEPS, 1):
        words = shlex.split(template.format(n=options.n, out=shlex.quote(str(options.out))))
        print(f"\n[{number}/{len(STEPS)}] {purpose}\n$ python -m {shlex.join(words)}", flush=True)
        code = subprocess.run([sys.executable, "-m", *words], check=False).returncode
        if code != 0:
            print(f"error: step {number} ended with exit code {code}", file=sys.stderr)
            return code
    minutes = (time.monotonic() - start) / 60
    print(f"\nDone in {minutes:.1f} minutes. Open {(options.out / 'report.html').resolve()}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
