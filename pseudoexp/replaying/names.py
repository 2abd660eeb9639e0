"""Names of particles by their numbers, from the built-in engine's table."""

from __future__ import annotations

from functools import lru_cache

from pseudoexp.engines.builtin.hadron_table import species_names

_QUARKS = ("", "d", "u", "s", "c", "b", "t")
_OTHERS = {21: "g", 23: "Z", 24: "W+", -24: "W-", 25: "H"}
_DIGITS = "?dus"


@lru_cache(maxsize=1)
def _names() -> dict[int, str]:
    return {number: f"{name[1:]}bar" if name.startswith("~") else name for name, number in species_names().items()}


def name(pdg_id: int) -> str:
    """Return the name of a particle, or its number if it has none here."""
    code = abs(int(pdg_id))
    bar = "bar" if pdg_id < 0 else ""
    if 0 < code < len(_QUARKS):
        return _QUARKS[code] + bar
    if int(pdg_id) in _OTHERS:
        return _OTHERS[int(pdg_id)]
    if 1000 < code < 10_000 and (code // 10) % 10 == 0:
        return f"({_DIGITS[code // 1000]}{_DIGITS[(code // 100) % 10]}){code % 10 // 2}{bar}"
    return _names().get(int(pdg_id), str(int(pdg_id)))
