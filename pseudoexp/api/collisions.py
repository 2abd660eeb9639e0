"""Events before any detector, and the story of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pseudoexp.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from pseudoexp.bunch import Bunch
    from pseudoexp.replaying.story import Story


def particles(process: str = "signal", n: int = 1000, seed: int = 1, pthat_min: float = 150, pt_bias: float = 0,
              engine: str = DEFAULT_ENGINE, hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "") -> Bunch:
    """Generate events and return their particles before any detector: see `pseudoexp.particle_level.particles`."""
    from pseudoexp.particle_level import particles as generate_particles

    return generate_particles(process, n, seed, pthat_min, pt_bias, engine, hepmc_signal, hepmc_qcd)


def events(process: str, n: int | float | str, out: str | Path, *, engine: str = DEFAULT_ENGINE, seed: int = 1,
           pthat_min: float = 150.0, pt_bias: float = 4.0, variations: bool = False, force: bool = False,
           progress: Any = None) -> Bunch:
    """Write events as HepMC3 text, as ``python -m pseudoexp events`` does: see `pseudoexp.event_file.write_event_file`."""
    from pseudoexp.event_file import write_event_file

    return write_event_file(process, n, out, engine=engine, seed=seed, pthat_min=pthat_min, pt_bias=pt_bias,
                            variations=variations, force=force, progress=progress)


def replay(event: int | str, process: str | None = None, *, file: str | Path | None = None, seed: int = 1,
           engine: str = DEFAULT_ENGINE, card: str = "atlas-itk", pt_bias: float = 4.0, pthat_min: float = 150.0,
           pileup: float = 0.0, tracks: int = 0, signal_fraction: float = 0.5, keep_unmatched: bool = False,
           hepmc_signal: str | Path = "", hepmc_qcd: str | Path = "") -> Story:
    """Make one event of a run again and return its story, as ``python -m pseudoexp replay`` tells it.

    Parameters
    ----------
    event : int or str
        `eventNumber`, as in the file.
    process : {"signal", "qcd"}, optional
        What the event is taken for; checked, since the number says it.
    file : str or Path, optional
        A dataset whose configuration is taken instead of the options below.
    seed, engine, card, pt_bias, pthat_min, pileup, tracks, signal_fraction, keep_unmatched : optional
        The run, as in `generate`.
    hepmc_signal, hepmc_qcd : str or Path, optional
        As in `generate`; needed also with `file`, if those events made it.

    Returns
    -------
    Story
        Stages with facts and tables, and the rows as in the file, to the bit.

    Raises
    ------
    ConfigError
        For a wrong option, or a file that another version made.
    GenerationError
        If the event cannot be made.

    Examples
    --------
    >>> story = pseudoexp.replay(123456, engine="builtin")      # doctest: +SKIP
    >>> story.fact("hard", "process"), story.table("shower", "branchings")      # doctest: +SKIP
    """
    from pseudoexp.production.run_config import RunConfig
    from pseudoexp.replaying.ask import ask
    from pseudoexp.replaying.request import configuration_of, numbered

    inputs = {"hepmc_signal": str(hepmc_signal), "hepmc_qcd": str(hepmc_qcd)}
    if file is not None:
        config = configuration_of(file, **inputs)
    else:
        config = RunConfig.from_options(1, card, signal_fraction=signal_fraction, seed=seed, engine=engine, pt_bias=pt_bias,
                                        pthat_min=pthat_min, pileup=pileup, tracks=tracks, keep_unmatched=keep_unmatched,
                                        **inputs)
    return ask(numbered(config, event, process))
