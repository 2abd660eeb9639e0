"""Write docs/file.md from the schema: `python docs/make_file_page.py`."""

from pathlib import Path

from pseudoexp.dataset import schema

PAGE = Path(__file__).with_name("file.md")
INTRODUCTION = """\
# The file
HDF5. One row of the compound dataset `jets` is one large-R jet that passes the selection, with the two track jets of highest
pT inside it: anti-kT R = 1.0 on towers, trimmed, calibrated, 250 <= pT < 3000 GeV, |eta| < 2.0; variable-radius track jets
(rho = 30 GeV, 0.02 to 0.4) with pT > 10 GeV, |eta| < 2.5 and two or more tracks, associated as ghosts.

Momenta and masses are in MeV. `jets.attrs["flavour_label"]` lists the classes; `hbb` is index 0. Splits: `eventNumber % 10` is
0-7 for training, 8 for validation, 9 for the test. Blocks of ten event numbers alternate between signal (even tens) and QCD.

`mcEventWeight` [pb] has the cross-section as its mean over the *tried* events, which `jets.attrs["events_tried"]` counts per
class. `benchmarkWeight` gives both classes the same total and the signal the (pT, |eta|) spectrum of the QCD rows; it belongs to
the default sampling (`--pthat-min 150 --pt-bias 4`), elsewhere the spectra are left as they are.

`python -m pseudoexp explore data.h5` makes a page of a file on which every column below can be looked at.
"""

IMAGES = """
## The optional dataset `images` (`--images N`, N up to 64)
The calorimeter around the jet: N x N pixels (eta, then phi, both rising) that cover -1 to 1 in eta and phi [rad] around the axis
of the trimmed jet, each with the two layers below. A pixel is the sum of the transverse energies of the towers whose direction,
seen from the primary vertex, lies in it, over the constituents of the *untrimmed* jet: towers of 0.025 x 0.025 in the first
layer, 0.1 x 0.1 in the second, 0.2 x 0.2 beyond |eta| = 2.5 (sizes are the card's); with pile-up after its subtraction. Towers
of the jet further out than 1 are left out. Nothing is calibrated, rotated, flipped, scaled or normalised.

`file["images"]["em"]` is an array (rows, N, N); `file["images"][:].view("<f2").reshape(-1, N, N, 2)` holds both layers without
a copy; `pseudoexp.load_objects(path, "images", "train")` reads those of a split. Pixels are in GeV (not MeV) as half-precision
numbers, rounded once to the nearest (relative error below 0.05 %). A row takes 4 N^2 bytes, 4096 at N = 32; with
`--compression gzip` about 230, because nearly all pixels are empty. The rows of `jets`, and their part of the hashes, are the
same as without images, which cost 0.03 ms of one core each. `convert` leaves images out.

An optional dataset does not belong to the dataset version: that counts the rows and columns of `jets`.
"""

TWO_CARDS = """
## Files of two cards (`python -m pseudoexp shift data.h5 --card worse.toml --out shifted.h5`)
The events of `data.h5`, made again once and put through both detectors with the same random numbers. `jets` holds the jets
under the card of `data.h5` (nominal), `jets_shifted` the same jets, row by row, under the other one: an outer join by
(`eventNumber`, true jet). A row belongs to the nearest true jet (anti-kT R = 1.0 of the visible particles without muons,
trimmed) within dR < 0.75. Where a jet gives no row under a card, its columns there are NaN, -1 or false, but for those that
the event says (`eventNumber`, `flavour_label`, `mcEventWeight`, `ptHat`, truth Higgs, pile-up). Rows without a true jet
(pile-up) stay alone.

Rows stand in the order of `eventNumber` and cover all events tried for `data.h5`, the last one of each class whole. The
nominal rows are held against those of `data.h5`: another result ends the command. The attribute `shifted_configuration`
holds the second configuration. `pseudoexp.load("shifted.h5")` reads the rows that pass under the nominal card, `load(...,
shifted=True)` those under the other. There are no tracks or images. Both tables have these columns behind those above:
"""

SHARDS = """
## Shards (`--shard i/n`) and their table `chunks`
A shard holds whole chunks of 250 events, one behind the other: chunk i - 1 of both processes (signal first), then every
n-th. The attribute `shard` says i/n, `configuration` what the merged file will be, `events_tried` counts the shard's own
events. The rows of the chunk in line k stand behind those of the lines above it.
"""


def table(fields: tuple[schema.Field, ...]) -> str:
    """Return a Markdown table of columns."""
    types = {"?": "bool"}
    rows = [f"| `{f.name}` | {types.get(f.dtype, f.dtype.strip('<'))} | {f.unit or '-'} | {f.description} |"
            .replace("|eta|", "abs(eta)") for f in fields]
    return "\n".join(["| name | type | unit | meaning |", "|---|---|---|---|", *rows])


def page() -> str:
    """Return the page."""
    return "\n".join([
        INTRODUCTION, f"## The {len(schema.INPUTS)} inputs, in this order\n", table(schema.INPUT_FIELDS),
        "\n## Further columns of `jets`, never inputs\n", table(schema.EXTRA_FIELDS),
        "\n## The optional dataset `tracks` (`--tracks N`)\nMost displaced first; NaN and -1 where padded.\n",
        table(schema.TRACK_FIELDS),
        f"\n## The optional dataset `{schema.VARIATIONS}` (`--variations`, engine `builtin`)\nWeights of the row's event for "
        "other parameters of showers and fragmentation. Over all tried events each has the mean of\n`mcEventWeight`: they change "
        "shapes, not the cross-section before the selection. The attribute `names` lists them.\n",
        table(schema.VARIATION_FIELDS), IMAGES, table(schema.IMAGE_FIELDS), TWO_CARDS, table(schema.PAIR_FIELDS), SHARDS,
        table(schema.CHUNK_FIELDS), ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
