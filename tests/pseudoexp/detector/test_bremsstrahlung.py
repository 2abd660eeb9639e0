"""What electrons lose in material: quantiles of the gamma distribution of Bethe and Heitler."""

import numpy as np
import pytest
from scipy.stats import gamma

from pseudoexp.core.jit import kernel
from pseudoexp.detector.bremsstrahlung import after_radiation


@kernel
def factors(u, thickness, out):
    """Fill the factors on q/p."""
    for k in range(len(u)):
        out[k] = after_radiation(u[k], thickness)


@pytest.mark.parametrize("thickness", [0.003, 0.02, 0.1])
def test_quantiles(thickness: float) -> None:
    """-ln(E'/E) at every quantile; more than 95 % is never lost."""
    u = np.concatenate([np.linspace(0.01, 0.99, 99), [1e-6, 1.0 - 1e-9]])
    out = np.zeros(len(u))
    factors(u, thickness, out)
    expected = np.minimum(gamma(thickness / np.log(2.0)).ppf(u), 3.0)
    np.testing.assert_allclose(np.log(out), expected, rtol=2e-3, atol=1e-6)
    assert (np.diff(out[:99]) >= 0.0).all() and out.max() <= np.exp(3.0) * (1.0 + 1e-9)


def test_mean_energy() -> None:
    """An electron keeps exp(-thickness) of its energy on average."""
    u, out = (np.arange(20_000) + 0.5) / 20_000, np.zeros(20_000)
    for thickness in (0.02, 0.1):
        factors(u, thickness, out)
        assert (1.0 / out).mean() == pytest.approx(np.exp(-thickness), abs=1e-3)


def test_without_material_nothing_is_lost() -> None:
    """Not even to rounding."""
    assert after_radiation(0.999, 0.0) == 1.0 and after_radiation(0.5, -0.1) == 1.0
