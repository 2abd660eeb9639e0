"""What ``pseudoexp generate --profile`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch

_PROCESSES = ("signal", "qcd")
_REST = "between kernels"


def profile_text(summary: Bunch) -> str:
    """Return the time of each stage per row and per event, and its share, by the clock of the workers."""
    found: Bunch | None = summary.get("profile")
    if found is None or not any(found[name].rows for name in _PROCESSES):
        return "profile: no row was made in this run"
    classes = [found[name] for name in _PROCESSES]
    totals = [sum(made.seconds.values()) for made in classes]
    lines = ["profile, us by the clock of the worker processes", f"{'':32}{'signal':^26}{'qcd':^26}{'all workers':^16}",
             f"{'':32}" + f"{'per row':>9}{'per event':>10}{'share':>7}" * 2 + f"{'share':>8}{'s':>8}"]
    for stage in _names([made.seconds for made in classes]):
        lines.append(_line(stage, classes, totals, [made.seconds.get(stage, 0.0) for made in classes]))
        parts = [_with_rest(made.parts.get(stage, {}), made.seconds.get(stage, 0.0)) for made in classes]
        lines += [_line(f"  {part}", classes, totals, [seconds.get(part, 0.0) for seconds in parts])
                  for part in _names(parts, _all_parts() if any(parts) else ())]
    lines.append(_line("together", classes, totals, totals))
    rows = sum(summary.rows.values())
    lines += [f"{name + ' (whole run)':32}{1e6 * seconds / rows:9.2f} per row of the file, {seconds:.2f} s"
              for name, seconds in found.file.items()]
    return "\n".join(lines)


def _all_parts() -> tuple[str, ...]:
    from pseudoexp.core.laps import STAGES

    return STAGES


def _names(times: list[dict[str, float]], order: tuple[str, ...] = ()) -> list[str]:
    """Return the names in a given order, those that are not in it behind, as they come."""
    found = dict.fromkeys(name for seconds in times for name in seconds)
    return [*(name for name in order if name in found), *(name for name in found if name not in order)]


def _with_rest(parts: dict[str, float], whole: float) -> dict[str, float]:
    """Return the parts of a stage and what none of them is."""
    return parts | {_REST: max(whole - sum(parts.values()), 0.0)} if parts else {}


def _line(name: str, classes: list[Bunch], totals: list[float], seconds: list[float]) -> str:
    columns = ""
    for made, total, s in zip(classes, totals, seconds, strict=True):
        row, event = (1e6 * s / made[what] if made[what] else 0.0 for what in ("rows", "events"))
        columns += f"{row:9.2f}{event:10.2f}{_share(s, total):7.1%}"
    return f"{name:32}{columns}{_share(sum(seconds), sum(totals)):8.1%}{sum(seconds):8.2f}"


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
