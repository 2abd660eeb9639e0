"""What rows cost, and so what 10**9 and 10**11 of them would: cores, disk, metadata, merging.

    python bench/scaling.py                                  (prints the tables)
    python bench/scaling.py --write docs/scaling.md          (puts them between the marks of that page)

Processor time (user and system, of all processes of a command) is counted, not the clock: it hardly depends on what else
the machine does. A short run is subtracted from a long one, so that starting up does not count.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py

from pseudoexp.dataset import schema
from pseudoexp.production.plan import row_bytes

BEGIN, END = "<!-- begin of what bench/scaling.py writes -->", "<!-- end of what bench/scaling.py writes -->"
TOTALS = (10**9, 10**11)
SHARD_ROWS = 5 * 10**6
HERE = Path(__file__).resolve().parent
THIN_AIR = """
import sys
sys.path.insert(0, sys.argv[1])
import pseudoexp
pseudoexp.generate(sys.argv[2], sys.argv[3], threads=2, make_chunk="memory:empty_chunk", shard=sys.argv[4])
"""


def processor_seconds(*command: str) -> float:
    """Return the processor time of a command with all its children."""
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime


def generate(folder: Path, n: int, engine: str, *options: str) -> tuple[float, Path]:
    """Return the processor time of a production and its file."""
    out = folder / f"{engine}-{n}{''.join(options)}.h5"
    words = ["-m", "pseudoexp", "generate", "--n", str(n), "--out", str(out), "--engine", engine, "--threads", "1", "--quiet"]
    return processor_seconds(*words, *options), out


def per_row(folder: Path, engine: str, short: int, long: int) -> float:
    """Return the processor seconds of a row."""
    generate(folder, 2, engine)  # compiles, if it has to
    return (generate(folder, long, engine)[0] - generate(folder, short, engine)[0]) / (long - short)


def handling(folder: Path, short: int, long: int) -> dict[str, float]:
    """Return what a row costs behind the events: processor seconds to merge and to verify, bytes of metadata."""
    seconds: dict[int, tuple[float, float]] = {}
    for n in (short, long):
        names = [str(folder / f"{n}-{i}.h5") for i in (1, 2)]
        for i, name in enumerate(names, 1):
            processor_seconds("-c", THIN_AIR, str(HERE), str(n), name, f"{i}/2")
        out = str(folder / f"{n}.h5")
        merging = processor_seconds("-m", "pseudoexp", "merge", *names, "--out", out, "--quiet")
        seconds[n] = merging, processor_seconds("-m", "pseudoexp", "verify", out, "--quiet")
    merging, verifying = ((seconds[long][k] - seconds[short][k]) / (long - short) for k in (0, 1))
    with h5py.File(folder / f"{long}-1.h5") as file:
        rows, chunks = len(file["jets"]), len(file["chunks"])
    size = (folder / f"{long}-1.h5").stat().st_size
    table = chunks * schema.CHUNK_DTYPE.itemsize
    return {"merging": merging, "verifying": verifying, "table": table / rows,
            "attributes": size - rows * schema.JET_DTYPE.itemsize - table}


def compressed(folder: Path, n: int) -> dict[str, float]:
    """Return the bytes of a row of real files, packed."""
    sizes = {name: generate(folder, n, "builtin", "--compression", name)[1].stat().st_size for name in ("none", "gzip")}
    return {"gzip": sizes["gzip"] / sizes["none"]}


def tables(figures: dict[str, float], commit: str) -> str:
    """Return the Markdown of what was measured and of what follows."""
    lines = [f"Measured by `python bench/scaling.py` on {time.strftime('%Y-%m-%d')}, commit {commit}, {processor()}.", "",
             "| per row | |", "|---|---|",
             f"| events and all behind them, engine `builtin` | {1e3 * figures['builtin']:.2f} ms of one core |",
             f"| the same, engine `pythia8` | {1e3 * figures['pythia8']:.2f} ms of one core |",
             f"| merging shards, their verification included | {1e6 * figures['merging']:.1f} us of one core |",
             f"| `verify` | {1e6 * figures['verifying']:.1f} us of one core |",
             f"| in the file | {row_bytes(0)} bytes, with 40 tracks {row_bytes(40)} |",
             f"| in a file with `--compression gzip` | {figures['gzip']:.2f} of that, without tracks |",
             f"| table of chunks in a shard | {figures['table']:.2f} bytes |",
             f"| attributes of a file, once | {figures['attributes'] / 1e3:.0f} kB |", "",
             "| rows | " + " | ".join(f"10^{len(str(n)) - 1}" for n in TOTALS) + " |", "|---|" + "---|" * len(TOTALS)]
    for name, text in (("builtin", "core hours, engine `builtin`"), ("pythia8", "core hours, engine `pythia8`")):
        lines.append(f"| {text} | " + " | ".join(f"{n * figures[name] / 3600:.3g}" for n in TOTALS) + " |")
    disk = " | ".join(f"{n * row_bytes(0) / 1e12:.3g} TB" for n in TOTALS)
    tracks = " | ".join(f"{n * row_bytes(40) / 1e12:.3g} TB" for n in TOTALS)
    shards = " | ".join(f"{n // SHARD_ROWS:,}" for n in TOTALS)
    hours = " | ".join(f"{SHARD_ROWS * figures['builtin'] / 3600:.2g}" for _ in TOTALS)
    metadata = " | ".join(f"{(n * figures['table'] + n // SHARD_ROWS * figures['attributes']) / 1e9:.3g} GB" for n in TOTALS)
    handled = " | ".join(f"{n * figures['verifying'] / 3600:.3g} / {n * figures['merging'] / 3600:.3g}" for n in TOTALS)
    lines += [f"| disk, uncompressed | {disk} |", f"| disk with 40 tracks, uncompressed | {tracks} |",
              f"| shards of {SHARD_ROWS:,} rows | {shards} |", f"| core hours per shard, engine `builtin` | {hours} |",
              f"| metadata of all shards | {metadata} |", f"| core hours to verify / to merge | {handled} |"]
    return "\n".join(lines)


def processor() -> str:
    """Return the name of the processor."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builtin", nargs=2, type=int, default=[2000, 10_000], help="rows of a short and a long run")
    parser.add_argument("--pythia", nargs=2, type=int, default=[200, 1000])
    parser.add_argument("--thin-air", nargs=2, type=int, default=[20_000, 400_000])
    parser.add_argument("--write", type=Path, help="page to write the tables into")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False).stdout
    with tempfile.TemporaryDirectory(prefix="pseudoexp-scaling-") as name:
        folder = Path(name)
        figures = handling(folder, *options.thin_air) | {"builtin": per_row(folder, "builtin", *options.builtin)}
        figures |= compressed(folder, options.builtin[0]) | {"pythia8": per_row(folder, "pythia8", *options.pythia)}
    text = tables(figures, commit.strip() or "unknown")
    print(text)
    if options.write:
        before, _, rest = options.write.read_text(encoding="utf-8").partition(BEGIN)
        options.write.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
