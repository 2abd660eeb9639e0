"""Every elementary function is within 2 ulp of mpmath over its domain and right at the edges."""

import math

import mpmath
import numpy as np
import pytest

from pseudoexp.core import elementary as el
from pseudoexp.core.jit import kernel

mpmath.mp.prec = 160
N = 4000
rng = np.random.default_rng(3)


@kernel
def apply_exp(x):
    return np.array([el.exp(v) for v in x])


@kernel
def apply_log(x):
    return np.array([el.log(v) for v in x])


@kernel
def apply_log1p(x):
    return np.array([el.log1p(v) for v in x])


@kernel
def apply_sin(x):
    return np.array([el.sin(v) for v in x])


@kernel
def apply_cos(x):
    return np.array([el.cos(v) for v in x])


@kernel
def apply_tan(x):
    return np.array([el.tan(v) for v in x])


@kernel
def apply_sinh(x):
    return np.array([el.sinh(v) for v in x])


@kernel
def apply_cosh(x):
    return np.array([el.cosh(v) for v in x])


@kernel
def apply_asinh(x):
    return np.array([el.asinh(v) for v in x])


@kernel
def apply_atan2(y, x):
    return np.array([el.atan2(y[i], x[i]) for i in range(len(x))])


@kernel
def apply_pow(x, y):
    return np.array([el.pow(x[i], y[i]) for i in range(len(x))])


def ulps(got, exact):
    """Return the largest distance from the exact values in units in the last place."""
    worst = 0.0
    for g, e in zip(got, exact, strict=True):
        worst = max(worst, float(abs(mpmath.mpf(float(g)) - e) / mpmath.mpf(float(np.spacing(abs(float(e)))))))
    return worst


def log_uniform(low, high):
    return 10.0 ** rng.uniform(low, high, N)


SIGNED_SMALL = np.concatenate([rng.uniform(-8, 8, N), rng.choice([-1, 1], N) * log_uniform(-12, 1)])
CASES = {
    "exp": (apply_exp, mpmath.exp, np.concatenate([rng.uniform(-700, 709, N), rng.uniform(-1, 1, N)]), 1.0),
    "log": (apply_log, mpmath.log, np.concatenate([log_uniform(-300, 300), rng.uniform(0.5, 2, N)]), 1.0),
    "log1p": (apply_log1p, mpmath.log1p, np.concatenate([rng.uniform(-0.9, 5, N), log_uniform(-15, 3)]), 2.0),
    "sin": (apply_sin, mpmath.sin, np.concatenate([SIGNED_SMALL, rng.uniform(-1e5, 1e5, N)]), 1.0),
    "cos": (apply_cos, mpmath.cos, np.concatenate([SIGNED_SMALL, rng.uniform(-1e5, 1e5, N)]), 1.0),
    "tan": (apply_tan, mpmath.tan, SIGNED_SMALL, 2.0),
    "sinh": (apply_sinh, mpmath.sinh, SIGNED_SMALL, 2.0),
    "cosh": (apply_cosh, mpmath.cosh, SIGNED_SMALL, 2.0),
    "asinh": (apply_asinh, mpmath.asinh, np.concatenate([SIGNED_SMALL, log_uniform(0, 100)]), 2.0),
}


@pytest.mark.parametrize("name", CASES)
def test_within_two_ulp(name):
    kernel_, exact, x, limit = CASES[name]
    assert ulps(kernel_(x), [exact(mpmath.mpf(float(v))) for v in x]) < limit


def test_atan2_within_two_ulp():
    y = rng.choice([-1, 1], N) * log_uniform(-8, 8)
    x = rng.choice([-1, 1], N) * log_uniform(-8, 8)
    exact = [mpmath.atan2(mpmath.mpf(float(a)), mpmath.mpf(float(b))) for a, b in zip(y, x, strict=True)]
    assert ulps(apply_atan2(y, x), exact) < 2.0


def test_pow_within_two_ulp():
    x = log_uniform(-5, 5)
    y = rng.uniform(-50, 50, N)
    exact = [mpmath.mpf(float(a)) ** mpmath.mpf(float(b)) for a, b in zip(x, y, strict=True)]
    assert ulps(apply_pow(x, y), exact) < 2.0


def test_edges():
    with np.errstate(all="ignore"):
        assert apply_exp(np.array([-1e9, 0.0, 1e9])).tolist() == [0.0, 1.0, math.inf]
        assert math.isnan(apply_exp(np.array([math.nan]))[0])
        assert apply_log(np.array([0.0, 1.0, math.inf])).tolist() == [-math.inf, 0.0, math.inf]
        assert math.isnan(apply_log(np.array([-1.0]))[0])
        assert abs(apply_log(np.array([5e-324]))[0] - math.log(5e-324)) < 1e-12
        y = np.array([0.0, 0.0, 1.0, -1.0, -0.0, 0.0, math.inf])
        x = np.array([1.0, -1.0, 0.0, 0.0, -1.0, 0.0, 1.0])
        assert apply_atan2(y, x).tolist() == [math.atan2(a, b) for a, b in zip(y, x, strict=True)]
        assert apply_pow(np.array([0.0, 0.0, 2.0, 1.0]), np.array([2.0, 0.0, 10.0, 99.0])).tolist() == [0, 1, 1024, 1]
