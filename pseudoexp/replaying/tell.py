"""Tells the story of one event, in a process whose kernels run as plain Python."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pseudoexp import errors
from pseudoexp.chain import rows_of_batch
from pseudoexp.core.reconstructed import D0, PHI, Z0
from pseudoexp.core.record import EventBatch
from pseudoexp.core.species import charge3
from pseudoexp.dataset import schema
from pseudoexp.engines import engine
from pseudoexp.engines.builtin.chunk import asked_of
from pseudoexp.engines.builtin.prospects import WHOLE
from pseudoexp.jets.candidates import track_jet_radius
from pseudoexp.production.chunk import PROCESS_NAMES, pack
from pseudoexp.replaying.generation import told_by_engine, told_by_record
from pseudoexp.replaying.history import follow
from pseudoexp.replaying.kinematic import angles, pt_of
from pseudoexp.replaying.pythia import follow_pythia
from pseudoexp.replaying.reconstruction import Seen, jets_stage, row_stage, see, tracks_stage
from pseudoexp.replaying.request import Request
from pseudoexp.replaying.story import STAGES, Stage, Story
from pseudoexp.replaying.vertices import vertices_stage


def tell(request: Request) -> Story:
    """Return the story of an event.

    Raises
    ------
    PseudoexpError
        As in the production of the event.
    """
    config, process = request.config, request.process
    chunk = request.event // schema.EVENTS_PER_CHUNK
    batch, stages, hopeful = _generated(request, chunk * schema.EVENTS_PER_CHUNK)
    rows = rows_of_batch(config, process, batch)
    if not hopeful:
        rows = rows._replace(jets=rows.jets[:0], tracks=None if rows.tracks is None else rows.tracks[:0])
    packed = pack(config, process, chunk, rows)
    seen = see(request, batch, hopeful)
    units = {f.name: f.unit for f in schema.JET_FIELDS}
    stages |= {"tracks": tracks_stage(seen), "jets": jets_stage(seen), "vertices": vertices_stage(seen),
               "row": row_stage(packed.jets, packed.tracks, units)}
    return Story(request.number, PROCESS_NAMES[process], request.event, config.seed, config.engine, config.card.name,
                 {name: stages[name] for name in STAGES}, packed.jets, packed.tracks, _picture(batch, seen, stages["vertices"]))


def _generated(request: Request, first: int) -> tuple[EventBatch, dict[str, Stage], bool]:
    """Return a batch of the event alone, its stages up to there, and whether the engine lets it become rows.

    Engines may seed by chunk, so others than our own make the chunk from its `first` event on.
    """
    config, process, n = request.config, request.process, request.event - first + 1
    settings = config.engine_settings
    if config.engine == "builtin":
        asked = WHOLE if config.pileup > 0.0 else asked_of(process, config.keep_unmatched)
        batch, history = follow(process, config.seed, request.event, settings, asked)
        return batch, told_by_engine(history), history.can_give_row
    if config.engine == "pythia8":
        batch, stages = follow_pythia(process, config.seed, first, n, settings)
        return last_event(batch), stages, True
    batch = last_event(engine(config.engine).generate_chunk(process, config.seed, first, n, settings))
    return batch, told_by_record(batch, config.engine), True


def last_event(batch: EventBatch) -> EventBatch:
    """Return a batch of the last event of a batch."""
    a, c = batch.offsets[-2], batch.heavy_offsets[-2]
    cut = {name: getattr(batch, name)[a:] for name in ("p4", "vertex", "pdg_id", "heavy")}
    heavy = ("heavy_p4", "heavy_pdg_id", "heavy_vertex", "heavy_parent", "heavy_from_higgs")
    cut |= {name: getattr(batch, name)[c:] for name in heavy}
    cut |= {name: getattr(batch, name)[-1:] for name in ("event_number", "weight", "pthat", "higgs", "partons")}
    return EventBatch(offsets=batch.offsets[-2:] - a, heavy_offsets=batch.heavy_offsets[-2:] - c, **cut)


def _picture(batch: EventBatch, seen: Seen, vertices: Stage) -> dict[str, NDArray[Any]]:
    """Return what is drawn: eta, phi, pT of everything, helices near the beam, vertices."""
    detector = seen.ws.reconstruction.detector
    n, tracks = seen.counts.tracks, detector.tracks
    tables = {table.key: table for table in vertices.tables}

    def points(key: str) -> NDArray[np.float64]:
        columns = [c.name for c in tables[key].columns]
        x, y = columns.index("x"), columns.index("y")
        return np.array([(float(row[x]), float(row[y])) for row in tables[key].rows]).reshape(-1, 2)

    return {
        "particles": angles(batch.p4), "charged": np.array([charge3(int(i)) != 0 for i in batch.pdg_id]),
        "towers": angles(detector.towers.p4[:seen.counts.towers]),
        "higgs": angles(batch.higgs[batch.higgs[:, 3] > 0.0]), "partons": angles(batch.partons[0]),
        "heavy": angles(batch.heavy_p4), "large": angles(np.array([jet.trimmed for jet in seen.jets if jet.constituents])),
        "selected": np.array([jet.verdict == "row" for jet in seen.jets if jet.constituents]),
        "small": angles(seen.track_jets), "radius": np.array([track_jet_radius(pt_of(p)) for p in seen.track_jets]),
        "chosen": np.array(seen.selected, np.int64), "perigee": tracks.perigee[:n][:, [D0, Z0, PHI]].copy(),
        "track_pt": tracks.pt[:n].copy(), "track_eta": tracks.eta[:n].copy(), "track_jet": seen.ws.assigned[:n].copy(),
        "origin": detector.truth.origin[:n].copy(), "collision": detector.collision.copy(),
        "primary_vertex": detector.primary_vertex.position.copy(), "material": seen.tables.flavour.material_radii.copy(),
        "true_vertices": points("true"), "sv1": points("sv1"), "jetfitter": points("jetfitter")}


def main(asked: Path, answer: Path) -> None:
    """Read a request, write its story or the error it met."""
    request: Request = pickle.loads(asked.read_bytes())
    result: Story | tuple[str, str]
    try:
        with np.errstate(all="ignore"):  # as in compiled kernels
            result = tell(request)
    except errors.PseudoexpError as error:
        result = (type(error).__name__, str(error))
    answer.write_bytes(pickle.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
