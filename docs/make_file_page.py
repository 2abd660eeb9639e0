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
        table(schema.VARIATION_FIELDS), ""])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
