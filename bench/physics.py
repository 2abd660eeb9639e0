"""The sanity figures of the physics as a Markdown table.

    python bench/physics.py data.h5                    (20,000 events for what needs other detectors)
    python bench/physics.py data.h5 --events 60000

H->bb figures come from the file; those of single track jets and of other detectors from events generated here, run
through each detector card in turn.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import figures
import samples

from pseudoexp.dataset.probe import probe
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK


def event_figures(folder: Path, chunks: int, processes: int, tell: Callable[[str], None]) -> figures.Figures:
    """Return all figures made from kept events; `tell` hears which detector is next."""
    def jets(name: str, impact_scale: float = 1.0, negative_tag: bool = False):
        tell(f"{name}, impact parameters x {impact_scale:g}{', signs flipped' if negative_tag else ''}")
        return samples.track_jets(folder, samples.detector(name, impact_scale, negative_tag), chunks, processes)

    default = samples.detector("atlas-itk")
    nominal = jets("atlas-itk")
    result = figures.track_jet_figures(jets("atlas-run2"))
    result |= figures.detector_figures(nominal, jets("atlas-itk", 10.0), jets("perfect"))
    result |= figures.negative_tag_figures(nominal, jets("atlas-itk", negative_tag=True))
    tell("two-track vertices, pulls, jet response")
    raw = samples.raw(folder, default, chunks, processes)
    result |= figures.pair_figures(raw)
    tracks = samples.track_significances(folder, default, chunks, processes)
    result |= figures.pull_figures(raw, tracks) | figures.sign_figures(tracks)
    return result | figures.response_figures(samples.response(folder, default, chunks, processes))


def heading(path: Path, events: int) -> list[str]:
    """Return the lines that say when, where and from what."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False,
                            cwd=Path(__file__).parent).stdout.strip()
    rows = probe(path).rows
    return [f"Date {datetime.now(UTC):%Y-%m-%d}; {platform.machine()}, {processor()}; commit {commit or 'unknown'}; "
            f"{path.name}: {rows:,} rows; {events:,} events; `python bench/physics.py {' '.join(sys.argv[1:])}`", ""]


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="dataset of the default card")
    parser.add_argument("--events", type=int, default=20_000, help="events to generate, half of them signal")
    parser.add_argument("--folder", type=Path, help="keep the events here, or take them from here")
    parser.add_argument("--processes", type=int, default=0, help="worker processes, 0 for one per core")
    options = parser.parse_args()
    chunks = max(1, options.events // (2 * EVENTS_PER_CHUNK))

    def tell(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="pseudoexp-physics-") as temporary:
        folder = options.folder or Path(temporary)
        tell(f"generating {2 * chunks * EVENTS_PER_CHUNK:,} events")
        samples.make_events(folder, chunks, options.processes)
        result = event_figures(folder, chunks, options.processes, tell)
    tell("H->bb classifiers")
    result = figures.hbb_figures(options.file) | result
    print("\n".join([*heading(options.file, 2 * chunks * EVENTS_PER_CHUNK), *figures.table(result)]))


if __name__ == "__main__":
    main()
