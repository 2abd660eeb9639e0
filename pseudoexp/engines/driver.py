"""One running Pythia8 and its random numbers.

Pythia draws from the generator of Marsaglia, Zaman and Tsang (Stat. Prob. Lett. 9, 1990, 35), a lagged Fibonacci
sequence minus an arithmetic one. The seed, one of 900 million, fills the first; the second starts from one of
16.8 million values. Both are set here from a 128-bit hash, since among ten thousand chunks of each of two
seeds a twin would be likely with Pythia's seed alone.
"""

from __future__ import annotations

import hashlib
import os
import threading
from typing import Any

from pseudoexp.core.species import CHARM
from pseudoexp.engines.native_output import caught
from pseudoexp.errors import ConfigError, GenerationError
from pseudoexp.optional import require

_SEEDS = 900_000_000
_ARITHMETIC = 16_777_213  # modulus of the arithmetic sequence, in units of 2**-24
_EMPTY_CALLS = 20
_KEPT = 4  # of 10 MB each


def pythia_module() -> Any:
    """Return Pythia's Python module, which needs awkward for whole batches; `MissingExtra` without them."""
    require("awkward", "pythia")
    return require("pythia8mc", "pythia")


class Driver:
    """An initialised Pythia object.

    Parameters
    ----------
    lines : tuple of str
        Pythia's settings.
    without_charm : bool
        Redraw hard processes with an incoming charm quark, before any shower.

    Raises
    ------
    ConfigError
        If Pythia does not know a setting or cannot start, with its reasons.
    """

    def __init__(self, lines: tuple[str, ...], without_charm: bool = False) -> None:
        module = pythia_module()
        self._hook = _charm_veto(module) if without_charm else None
        self._pythia = _configured(module, ("Print:quiet = on", *lines), self._hook)
        if not self._pythia.init():
            text = caught(_configured(module, lines, self._hook).init).splitlines()
            reasons = [line.strip() for line in text if "PYTHIA Error" in line or "PYTHIA Abort" in line]
            raise ConfigError(f"Pythia8 cannot start with {'; '.join(lines)}: {'; '.join(reasons) or 'no reason'}")

    @property
    def cross_section(self) -> float:
        """Pythia's estimate of the cross-section [pb] from the events so far."""
        return float(self._pythia.infoPython().sigmaGen()) * 1e9

    @property
    def cross_section_error(self) -> float:
        """Statistical error of `cross_section` [pb]."""
        return float(self._pythia.infoPython().sigmaErr()) * 1e9

    def seed(self, name: str) -> None:
        """Put the random generator into the state that belongs to `name`."""
        digest = hashlib.blake2b(name.encode(), digest_size=16).digest()
        rndm = self._pythia.rndm
        rndm.init(1 + int.from_bytes(digest[:8], "little") % _SEEDS)
        state = rndm.getState()
        state.c = (int.from_bytes(digest[8:], "little") % _ARITHMETIC) / 16_777_216.0
        rndm.setState(state)

    def events(self, n: int) -> Any:
        """Generate the next events.

        Parameters
        ----------
        n : int
            Events asked for.

        Returns
        -------
        awkward.Array
            Full histories of 1 to n events; those Pythia gives up on are left out.

        Raises
        ------
        GenerationError
            Pythia gave up on every event, many times in a row.
        """
        for _ in range(_EMPTY_CALLS):
            array = self._pythia.nextBatch(n)
            if array is not None and len(array) > 0:
                return array
        raise GenerationError(f"Pythia8 gave up on {_EMPTY_CALLS * n} events in a row")


def _configured(module: Any, lines: tuple[str, ...], hook: Any) -> Any:
    """Return a Pythia object with its settings read, not yet initialised."""
    pythia = module.Pythia("", False)
    for line in lines:
        if not pythia.readString(line, False):
            raise ConfigError(f"setting {line!r}: Pythia8 does not know it or its value")
    if hook is not None:
        pythia.addUserHooksPtr(hook)
    return pythia


def _charm_veto(module: Any) -> Any:
    """Return the hook that redraws hard processes with an incoming charm quark."""

    class CharmVeto(module.UserHooks):  # type: ignore[misc, name-defined]
        def canVetoProcessLevel(self) -> bool:
            return True

        def doVetoProcessLevel(self, process: Any) -> bool:
            return any(abs(process[incoming].id()) == CHARM for incoming in (3, 4))

    return CharmVeto()


class _OfThread(threading.local):
    """The Driver objects of one thread; a forked process starts afresh."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.drivers: dict[tuple[tuple[str, ...], bool], Driver] = {}


_of_thread = _OfThread()


def driver(lines: tuple[str, ...], without_charm: bool = False) -> Driver:
    """Return this thread's Driver of these settings, made on first use; the last few are kept."""
    if _of_thread.owner != os.getpid():
        _of_thread.owner, _of_thread.drivers = os.getpid(), {}
    kept = _of_thread.drivers
    key = (lines, without_charm)
    kept[key] = kept.pop(key) if key in kept else Driver(lines, without_charm)
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
    return kept[key]
