"""Images of jets: hand-made towers in the right pixels, and real jets whose energy is all there."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from real_events import DATA, PROCESSES, events, some

from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.core.reconstructed import Towers
from pseudoexp.dataset import schema
from pseudoexp.detector.pileup import no_pileup
from pseudoexp.detector.pileup_library import build_library, join_libraries
from pseudoexp.image_rows import fill_image

PIXELS, SEED = 16, 1


def towers_of(*given):
    """Return towers of (pT, eta, phi, hadronic)."""
    pt, eta, phi, hadronic = np.array(given, float).T
    p4 = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    return Towers(p4, hadronic > 0)


def image(towers, jet_of, axis, pixels=4):
    out = np.full((pixels, pixels, 2), 7.0)  # of a jet before
    eta, phi = axis
    p4 = np.array([np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)])
    fill_image(towers, len(towers.p4), np.array(jet_of, np.int32), 0, p4, out)
    return out


def test_towers_stand_where_they_were_seen():
    towers = towers_of((10, 0.6, 0.1, 0), (20, 0.6, 0.1, 1), (5, 0.6, 0.1, 0), (40, 1.2, -0.8, 1), (80, 0.0, 0.0, 0))
    out = image(towers, [0, 0, 0, 0, 1], (0.5, 0.0))
    expected = np.zeros((4, 4, 2))
    expected[2, 2] = 15, 20
    expected[3, 0, 1] = 40  # +0.7 in eta, -0.8 in phi; the last tower is another jet's
    assert np.allclose(out, expected)


def test_phi_goes_round_and_what_is_outside_is_left_out():
    towers = towers_of((10, 0.0, -3.1, 0), (3, 1.01, 3.1, 0), (4, 0.0, 2.05, 0), (6, -0.99, 3.1, 1))
    out = image(towers, [0] * 4, (0.0, 3.1))
    assert out.sum() == pytest.approx(16) and out[2, 2, 0] == pytest.approx(10) and out[0].sum() == pytest.approx(6)


@pytest.fixture(scope="module")
def tables():
    return chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), no_pileup())


@pytest.fixture(scope="module")
def filled(tables):
    return {name: chain.rows_with_images(events(name), PROCESSES[name], SEED, tables, 8, PIXELS) for name in PROCESSES}


def test_rows_and_tracks_are_those_without_images(filled, tables):
    for name, (jets, tracks, _) in filled.items():
        without = chain.rows_of(events(name), PROCESSES[name], SEED, tables, 8)
        np.testing.assert_array_equal(jets, without[0])
        np.testing.assert_array_equal(tracks, without[1])


def momenta(images):
    """Return pT and mass of images (rows, pixels, pixels, layers), each pixel a massless particle in its middle."""
    middle = (np.arange(PIXELS) + 0.5) * 2.0 / PIXELS - 1.0
    eta, phi = middle[:, None], middle[None, :]
    et = images.sum(axis=3)
    px, py, pz, e = (np.sum(et * part, axis=(1, 2)) for part in (np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta)))
    return np.hypot(px, py), np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0.0))


def test_the_energy_of_the_jet_is_in_its_image(filled):
    """The images' mass is that of the untrimmed jet, within the size of a pixel and what lies outside."""
    middle = (np.arange(PIXELS) + 0.5) * 2.0 / PIXELS - 1.0
    for jets, _, images in filled.values():
        pt, mass = momenta(images)
        assert abs(np.median(mass / jets[:, schema.row("massUntrimmed")]) - 1.0) < 0.05
        assert (pt / jets[:, schema.row("pt")] > 0.9).all()
        assert abs(np.average(middle, weights=images.sum(axis=(0, 2, 3)))) < 0.02
        share = images[..., 1].sum() / images.sum()
        assert 0.3 < share < 0.7


def test_pileup_is_subtracted_from_images_as_from_jets(filled):
    """Sixty collisions fill pixels, whose mass is that of the jet they are subtracted from; rows are those without images."""
    batch = events("qcd")
    library = join_libraries(build_library(some(batch, first, first + 10)) for first in range(0, 60, 10))
    shift = np.uint16(np.log(20.0) / 1.5e-4)
    soft = library._replace(mu=60.0, ln_pt=np.maximum(library.ln_pt, shift) - shift)  # hard events as if they were soft ones
    busy = chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), soft)
    jets, tracks, images = chain.rows_with_images(batch, 1, SEED, busy, 8, PIXELS)
    without = chain.rows_of(batch, 1, SEED, busy, 8)
    np.testing.assert_array_equal(jets, without[0])
    np.testing.assert_array_equal(tracks, without[1])
    pt, mass = momenta(images)
    assert abs(np.median(mass / jets[:, schema.row("massUntrimmed")]) - 1.0) < 0.03
    assert (pt / jets[:, schema.row("pt")] > 0.9).all() and images.min() >= 0.0
    assert (images > 0.0).mean() > 2.0 * (filled["qcd"][2] > 0.0).mean()


def test_pixels_add_up_to_larger_ones(filled, tables):
    chosen = some(events("qcd"), 0, 60)
    coarse = chain.rows_with_images(chosen, 1, SEED, tables, 0, PIXELS // 2)[2]
    fine = filled["qcd"][2][:len(coarse)]
    assert len(coarse) > 5
    np.testing.assert_allclose(fine.reshape(-1, PIXELS // 2, 2, PIXELS // 2, 2, 2).sum(axis=(2, 4)), coarse, rtol=1e-12)


def test_a_full_workspace_is_enlarged_and_nothing_counted_twice(filled, tables, monkeypatch):
    monkeypatch.setattr(chain, "_CAPACITY", 256)
    images = chain.rows_with_images(some(events("qcd"), 0, 30), 1, SEED, tables, 0, PIXELS)[2]
    np.testing.assert_array_equal(images, filled["qcd"][2][:len(images)])


DIGEST = """
import sys, hashlib
sys.path.insert(0, {tests!r})
from real_events import events, some
from pseudoexp import chain
from pseudoexp.calibration import calibration_of
from pseudoexp.config import load_card
from pseudoexp.detector.pileup import no_pileup
tables = chain.chain_tables(load_card("atlas-itk"), calibration_of("atlas-itk"), no_pileup())
images = chain.rows_with_images(some(events("signal"), {event}, {event} + 1), 0, 1, tables, 0, {pixels})[2]
print(hashlib.sha256(images.tobytes()).hexdigest())
"""


def test_same_bits_without_compilation(filled):
    jets, _, images = filled["signal"]
    number = jets[:, schema.row("eventNumber")]
    code = DIGEST.format(tests=str(DATA.parent), event=int(number[0]), pixels=PIXELS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env=os.environ | {"NUMBA_DISABLE_JIT": "1"})
    assert done.stdout.strip() == hashlib.sha256(images[number == number[0]].tobytes()).hexdigest()
