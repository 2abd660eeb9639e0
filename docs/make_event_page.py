"""Write docs/event.md and docs/event.png from one replayed event: `python docs/make_event_page.py`."""

from pathlib import Path

import pseudoexp
from pseudoexp.cli.replay import text_of
from pseudoexp.core.rng import event_stream
from pseudoexp.dataset.schema import EVENTS_PER_CHUNK, MEV
from pseudoexp.production.run_config import engine_version
from pseudoexp.replaying.picture import draw
from pseudoexp.replaying.story import Story, Value

PAGE = Path(__file__).with_name("event.md")
PICTURE = Path(__file__).with_name("event.png")
EVENT, PROCESS, SEED = 123457, "qcd", 1
LINES = 6
COMMAND = f"python -m pseudoexp replay --event {EVENT} --process {PROCESS}"


class Page:
    """The page of one event, part by part."""

    def __init__(self, story: Story) -> None:
        self.story = story

    def fact(self, stage: str, key: str) -> str:
        """Return a fact with its unit."""
        fact = next(f for f in self.story.stages[stage].facts if f.key == key)
        return f"{text_of(fact.value)} {fact.unit}".strip()

    def table(self, stage: str, key: str, columns: str, lines: int = LINES) -> str:
        """Return the first lines of a table with some of its columns, in Markdown."""
        found = next(t for t in self.story.stages[stage].tables if t.key == key)
        names = [c.name for c in found.columns]
        chosen = [names.index(name.strip()) for name in columns.split(",")]
        heads = [f"{found.columns[k].name} [{found.columns[k].unit}]" if found.columns[k].unit else names[k] for k in chosen]
        rows = [[text_of(row[k]) for k in chosen] for row in found.rows[:lines]]
        if not rows:
            return "*(none in this event)*\n"
        more = len(found.rows) - len(rows)
        return "\n".join([_line(heads), _line(["---"] * len(heads)), *map(_line, rows),
                          *([f"\n... and {more} more."] if more else [])]) + "\n"

    def value(self, field: str) -> str:
        """Return a column of the first row."""
        value: Value = self.story.rows[0][field].item()
        return text_of(value)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _opening(page: Page) -> str:
    story = page.story
    stream = event_stream(story.seed, 1, story.event)
    return f"""\
# One event through the files

    {COMMAND}

prints what follows in full, and more; `--plot event.png` draws the picture. All numbers on this page are those of this one
event (seed {SEED}, engine `builtin` {engine_version("builtin")}, card `{story.card}`), written by `python
docs/make_event_page.py`.

![the event](event.png)

## Its number
`eventNumber` {EVENT} names a process and an event of that process (`dataset/schema.py`, `engine_event_number`): odd tens are
QCD, so
this is QCD event {story.event}, the {story.event % EVENTS_PER_CHUNK + 1}th of chunk {story.event // EVENTS_PER_CHUNK}. Seed,
process and
event are all that its random numbers depend on (`core/rng.py`): Philox is keyed by ({int(stream.key0)}, {int(stream.key1)})
and counts
from ({int(stream.event_low)}, {int(stream.event_high)}, ...). Each stage of the engine has a sequence of its own
(`engines/builtin/dice.py`), each later stage draws by item and purpose: a change in the detector leaves the particles as
they were.

The stages of the engine stand in their order in `engines/builtin/event.py`, those behind it in `chain.py` and
`rows.py`. The replay calls the same
functions, as plain Python, and watches them (`replaying/watch.py`).
"""


def _engine(page: Page) -> str:
    fact, table = page.fact, page.table
    return f"""\
## Hard process: `engines/builtin/sampling.py`
A channel, pT-hat, x and an angle are proposed from tables and accepted with the cross-section there: parton densities
(`parton_density.py`) times matrix elements (`matrix_elements.py`, `hard_cross_section.py`). `colour_flow.py` picks the lines
of colour
and `scatter.py` makes rows of the list of partons (`partons.py`).

Here it was {fact("hard", "process")} with x = {fact("hard", "x1")} and {fact("hard", "x2")}, a mass of
{fact("hard", "mass")} and
pT-hat = {fact("hard", "pthat")}. The sampling prefers high pT-hat by its fourth power; the weight, {fact("hard", "weight")},
undoes that.

{table("hard", "partons", "row, role, parton, pT, eta, phi, E, colour, anticolour")}
## Showers: `engines/builtin/showers.py`
From Q = {fact("hard", "scale")} downwards the highest trial of all dipole ends (`dipoles.py`) is judged: those of final
partons by
`final_shower.py`, those of the two incoming ones by `initial_shower.py`, with the kernels of `splitting.py` and the recoil
of `recoil.py`.
A Higgs boson would decay in `resonance.py`. {fact("shower", "initial")} initial-state and {fact("shower", "final")}
final-state branchings
leave {fact("shower", "partons")} final partons; gluons split to quarks: {fact("shower", "pairs")}. Now
{fact("shower", "incoming")} enter, with
x = {fact("shower", "x1")} and {fact("shower", "x2")}.

{table("shower", "branchings", "nr, scale, where, branching, z, row, to, and, recoiler")}
## Multi-parton interactions: `engines/builtin/activity.py`
The overlap of the protons (`overlap.py`) gives the mean number of further scatterings; they are drawn in falling pT
(`scatterings.py`) from
what is left of the beams (`beams.py`), and shower. All showers and scatterings share one sequence of falling pT.

{table("mpi", "scatterings", "system, pT, scattering, x1, x2, final partons")}
## Remnants: `engines/builtin/remnants.py`, `primordial_kt.py`
What the protons keep: a diquark each, a quark, the companions of sea quarks. Systems that took a valence quark:
{fact("remnants", "valence")}. The
hard partons get a primordial kT of {fact("remnants", "kt1")} and {fact("remnants", "kt2")}.

{table("remnants", "remnants", "row, side, remnant, pT, E, colour, anticolour")}
## Strings: `engines/builtin/reconnection.py`, `strings.py`
Soft scatterings attach their partons to the strings of harder ones: {fact("strings", "moved")} partons changed colours.
Then scatterings and remnants are connected. Followed from triplet to
antitriplet the colour tags make {fact("strings", "strings")} strings ({fact("strings", "closed")} closed).

{table("strings", "strings", "string, from end to end, partons, mass, pT, eta, hadrons")}
## Hadrons: `engines/builtin/hadronisation.py`
Each string breaks from both ends (`fragmentation.py`): a flavour (`flavour.py`), a transverse momentum, a light-cone fraction
(`fragmentation_function.py`), a step over the string's regions (`regions.py`); light strings make one or two hadrons
(`mini_strings.py`).
{fact("hadrons", "hadrons")} primary hadrons, {fact("hadrons", "charged")} of them charged; {fact("hadrons", "most")}. With b
or c:
{fact("hadrons", "heavy")}.

{table("hadrons", "hadrons", "row, hadron, pT, eta, phi, mass, string")}
## Decays: `engines/builtin/decays.py`
Channels and their weights come from `decay_table.py` and the data beside it, masses and lifetimes from `hadron_table.py`;
heavy quarks
without a listed channel decay as quarks (`decay_flavour.py`). {fact("decays", "decays")} decays leave
{fact("decays", "particles")} particles,
{fact("decays", "charged")} charged. Those with b, c or tau:

{table("decays", "heavy", "row, particle, mother, pT, eta, flight, radius, to", 10)}
`records.py` copies stable particles and weakly decaying heavy ones to the event record (`core/record.py`). Nothing behind it
knows which engine
it was.
"""


def _detector(page: Page) -> str:
    fact, table = page.fact, page.table
    return f"""\
## Tracks: `detector/`
`early_test.py` first asks whether the particles can give a row at all. `simulate.py` puts the collision into the luminous
region, adds pile-up
({fact("tracks", "pileup")} collisions here), lets particles fly, decay and interact in the material (`material.py`) and
smears helices
(`tracking.py`): {fact("tracks", "tracks")} tracks, {fact("tracks", "origins")}. `primary_vertex.py` finds z =
{fact("tracks", "pv_z")},
{text_of(1000.0 * abs(float(page.story.fact("tracks", "miss_z"))))} um from the truth along the beam and
{text_of(1000.0 * float(page.story.fact("tracks", "miss_xy")))} um across it.

{table("tracks", "tracks", "track, pT, eta, phi, d0, sigma d0, track jet, from, record's particle")}
## Jets: `jets/`
Tracks cluster to variable-radius jets (`variable_radius.py`), {fact("jets", "towers")} calorimeter towers
(`detector/calorimeter.py`) to large-R jets
(`antikt.py`) with the track jets as ghosts (`ghosts.py`); `trimming.py` removes soft subjets, `calibration.py` corrects pT
and mass.

{table("jets", "large", "jet, untrimmed pT, untrimmed mass, pT, eta, mass, towers, track jets, verdict")}
{table("jets", "small", "jet, pT, eta, phi, radius, tracks, large-R jet, label")}
## Vertices: `flavour/`
`association.py` gives tracks to track jets, `impact_parameters.py` and `ip3d.py` make likelihood ratios, `two_track.py`
finds and vetoes pairs, `sv1.py`
fits one vertex, `jetfitter.py` the chain along one axis. In the track jets {fact("vertices", "jets")}:

{table("vertices", "true", "track jet, particle, pT, flight, x, y, z")}
IP3D:

{table("vertices", "ip3d", "track jet, tracks, b to light, b to c, c to light")}
SV1:

{table("vertices", "sv1", "track jet, tracks, mass, distance, significance, dR, of tracks")}
JetFitter:

{table("vertices", "jetfitter", "track jet, length, error, tracks, counts, of tracks")}"""


def _row(page: Page) -> str:
    rows = page.story.rows
    text = "## The row: `rows.py`, `dataset/`\n"
    if len(rows) == 0:
        return text + "No large-R jet passed: the event counts as tried and has no row.\n"
    return text + f"""\
`rows.py` fills one row per selected jet, here {len(rows)}: pT {text_of(float(rows[0]["pt"]) / MEV)} GeV, mass
{text_of(float(rows[0]["mass"]) / MEV)} GeV, track jets of {text_of(float(rows[0]["vr1_pt"]) / MEV)} and
{text_of(float(rows[0]["vr2_pt"]) / MEV)} GeV with `ip3d_bu` {page.value("vr1_ip3d_bu")} and {page.value("vr2_ip3d_bu")},
tau21 {page.value("tau21")}, D2
{page.value("D2")}, `benchmarkWeight` {page.value("benchmarkWeight")}. `flavour/labels.py` alone sees the truth: `flavour_label`
{page.value("flavour_label")}, {page.value("GhostBHadronsFinalCount")} b and {page.value("GhostCHadronsFinalCount")} c
hadrons in the jet.
`dataset/schema.py` turns GeV to MeV and float64 to the file's types; `production/` spools the chunk, puts the classes in
order and
writes the file. `python -m pseudoexp replay --event {EVENT} --file data.h5` makes the row again from the file's own
configuration
and compares it, bit for bit.
"""


def page(story: Story) -> str:
    """Return the page."""
    parts = Page(story)
    return "\n".join((_opening(parts), _engine(parts), _detector(parts), _row(parts)))


def replayed() -> Story:
    """Return the event's story."""
    return pseudoexp.replay(EVENT, PROCESS, seed=SEED, engine="builtin")


if __name__ == "__main__":
    told = replayed()
    PAGE.write_text(page(told), encoding="utf-8")
    draw(told, PICTURE)
