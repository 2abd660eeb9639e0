"""The README inside an export: what the folder holds, what the ports take and give, how to go on."""

from __future__ import annotations

from typing import Any

_TEXT = """# H->bb tagger as firmware

Written by `tagger export` with hls4ml for Vitis HLS: part {part}, clock {clock_ns:g} ns, reuse factor {reuse}.

## What was checked here
- {rows_compared} rows of the test split through the compiled C simulation: {mismatches} logits differ from Keras
  (the test split holds {rows_of_test_split} rows).
- {stress_rows_compared} rows far outside every range: {stress_mismatches} differ.
- AUC {auc_keras} (Keras), {auc_firmware} (C simulation).

Resources, latency and timing are not in this folder: they come from Vitis HLS and Vivado, which were not run.
`ebops` in `firmware.json` is an estimate of the multiplications' size, no LUT count.

## Ports
`void {top}(input[{n_inputs}], logit[1])`

Input word i is the raw value x (units of the data file: MeV, mm) times 2^`scale`: move the binary point, cut what does
not fit below (towards minus infinity), and **saturate**: a value beyond the end of the port's range is sent as the end
of the range, it must not wrap round. The port has the type `{input_format}` for all inputs; "used" is what the network
keeps of it.

| input | scale | used |
|---|---|---|
{table}

Output: the logit, `{logit_format}`. There is no sigmoid: a cut on the logit is the same cut.
Pass if logit >= threshold:

| signal efficiency (rows checked) | logit | as integer, {logit_fractional_bits} fractional bits |
|---|---|---|
{thresholds}

## The C simulation again
    ./build_lib.sh            # g++ only; writes firmware/{top}-*.so

## Vitis HLS and Vivado
    vitis-run --mode hls --tcl build_prj.tcl        # Vitis 2024.2 and later
    vitis_hls -f build_prj.tcl                      # before

`build_opt.tcl` says which steps run (reset, csim, synth, cosim, validation, export, vsynth: 0 or 1); `project.tcl`
holds part and clock. The synthesis report lies in `{top}_prj/solution1/syn/report/`. For Vivado's own synthesis set
`export` and `vsynth` to 1, or run `vivado -mode batch -source vivado_synth.tcl` after the synthesis.

`export.log` is what hls4ml and g++ printed; `hls4ml_config.yml` opens the project in hls4ml again (from this folder).
"""


def readme(summary: dict[str, Any]) -> str:
    """Return the text for the content of firmware.json."""
    words = summary["input_words"]
    table = "\n".join(f"| {word['name']} | {word['scale_exponent']:+d} | `{word['format']}` |" for word in words)
    cuts = "\n".join(f"| {float(name):.0%} | {cut['logit']:g} | {cut['word']} |"
                     for name, cut in summary["thresholds"].items()) or "| - | - | - |"
    areas = {name: "not defined" if summary[name] is None else f"{summary[name]:.4f}"
             for name in ("auc_keras", "auc_firmware")}
    return _TEXT.format(**summary | areas | {"table": table, "thresholds": cuts, "n_inputs": len(words)})
