"""Quarks of inclusive decay channels become a drawn number of hadrons.

New quark pairs are put between the partons until the wanted number of hadrons is reached; flavours and spins in the
proportions of string fragmentation (Monash 2013, arXiv:1404.5630), without its kinematics: the hadrons then share
phase space uniformly. Quarks and antidiquarks are colour triplets, antiquarks and diquarks antitriplets.
"""

from __future__ import annotations

from pseudoexp.core.jit import inline, kernel
from pseudoexp.engines.builtin.dice import Dice, throw
from pseudoexp.engines.builtin.phase_space import Products

_UP, _DOWN = 1.0 / 2.217, 2.0 / 2.217  # u : d : s = 1 : 1 : 0.217
_DIQUARK = 0.095 / 1.095
_REARRANGED = 0.5
_VECTOR_LIGHT, _VECTOR_STRANGE, _VECTOR_CHARM, _VECTOR_BEAUTY = 0.333, 0.355, 0.468, 0.687
_DECUPLET = 0.4


@inline
def _is_triplet(parton: int) -> bool:
    return 0 < parton < 10 or parton < -10


@inline
def _diagonal(flavour: int, dice: Dice) -> int:
    """Return a neutral meson of a quark and its own antiquark; eta and eta' are suppressed by 0.6 and 0.12."""
    u = throw(dice)
    if flavour > 3:
        vector = _VECTOR_CHARM if flavour == 4 else _VECTOR_BEAUTY
        return 110 * flavour + (3 if u < vector else 1)
    if flavour == 3:
        return 333 if u < 0.635 else (221 if u < 0.918 else 331)
    if u < 0.416:
        return 113 if u < 0.208 else 223
    return 111 if u < 0.832 else (221 if u < 0.980 else 331)


@kernel
def _meson(quark: int, antiquark: int, dice: Dice) -> int:
    """Return the number of a meson made of a quark and of an antiquark, given by its flavour."""
    if quark == antiquark:
        return _diagonal(quark, dice)
    high, low = max(quark, antiquark), min(quark, antiquark)
    share = _VECTOR_LIGHT
    if high == 3:
        share = _VECTOR_STRANGE
    elif high == 4:
        share = _VECTOR_CHARM
    elif high == 5:
        share = _VECTOR_BEAUTY
    code = 100 * high + 10 * low + (3 if throw(dice) < share else 1)
    return code if (high == quark) == (high % 2 == 0) else -code


@kernel
def _baryon(quark: int, diquark: int, dice: Dice) -> int:
    """Return the number of a baryon made of a quark and a diquark."""
    a, b, spin = diquark // 1000, (diquark // 100) % 10, diquark % 10
    f1, f3 = max(quark, a), min(quark, b)
    f2 = quark + a + b - f1 - f3
    if f1 == f3:
        return 1110 * f1 + 4
    if spin == 3 and throw(dice) < _DECUPLET:
        return 1000 * f1 + 100 * f2 + 10 * f3 + 4
    if f1 != f2 and f2 != f3:
        scalar = 1.0 if spin == 1 else 0.0
        if f1 != quark:
            scalar = 0.25 if spin == 1 else 0.75
        if throw(dice) < scalar:
            f2, f3 = f3, f2
    return 1000 * f1 + 100 * f2 + 10 * f3 + 2


@inline
def _combined(x: int, y: int, dice: Dice) -> int:
    """Return the number of the hadron of a triplet and an antitriplet, 0 for two diquarks."""
    if y > 0 and x < 0:
        x, y = y, x
    if 0 < x < 10 and -10 < y < 0:
        return _meson(x, -y, dice)
    if x > 0 and y > 0:
        return _baryon(min(x, y), max(x, y), dice)
    if x < 0 and y < 0:
        return -_baryon(min(-x, -y), max(-x, -y), dice)
    return 0


@inline
def _new_diquark(dice: Dice) -> int:
    u = throw(dice)
    if u < 0.65:
        return 2101
    if u < 0.87:
        return 3201 if u < 0.76 else 3101
    return 2103 if u < 0.913 else (2203 if u < 0.957 else 1103)


@inline
def _new_flavour(end: int, dice: Dice) -> int:
    """Return what joins a parton to make a hadron; its antiparticle takes the parton's place."""
    if abs(end) < 10 and throw(dice) < _DIQUARK:
        diquark = _new_diquark(dice)
        return diquark if end > 0 else -diquark
    u = throw(dice)
    flavour = 2 if u < _UP else (1 if u < _DOWN else 3)
    return -flavour if _is_triplet(end) else flavour


@kernel
def make_hadrons(products: Products, known: int, partons: int, wanted: int, dice: Dice) -> int:
    """Append hadrons made of `products.parton[:partons]` to `known` products; return how many there are now.

    Partons stand in colour singlets 0-1, 2-3; with four of them the partners are exchanged half of the time.
    Return 0 if a pair of diquarks is left over.
    """
    parton = products.parton
    if partons == 4 and throw(dice) < _REARRANGED:
        other = 2 if _is_triplet(parton[2]) == _is_triplet(parton[1]) else 3
        parton[1], parton[other] = parton[other], parton[1]
    n = known
    for _ in range(wanted - known - partons // 2):
        j = int(throw(dice) * partons)
        joins = _new_flavour(parton[j], dice)
        products.pdg_id[n] = _combined(parton[j], joins, dice)
        parton[j] = -joins
        n += 1
    for j in range(0, partons, 2):
        products.pdg_id[n] = _combined(parton[j], parton[j + 1], dice)
        if products.pdg_id[n] == 0:
            return 0
        n += 1
    return n
