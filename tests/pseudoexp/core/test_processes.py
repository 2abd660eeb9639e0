"""Numbers of processes: frozen, since every event's random numbers follow from them, and apart from those of calibration."""

from itertools import product

from pseudoexp.core.processes import CALIBRATION, MINIMUM_BIAS, QCD, SIGNAL
from pseudoexp.production.chunk import PROCESS_NAMES

PHYSICS = (SIGNAL, QCD, MINIMUM_BIAS)


def test_releases_and_the_pile_up_library_are_drawn_with_these():
    assert (PHYSICS, CALIBRATION) == ((0, 1, 2), 16)
    assert (PROCESS_NAMES[SIGNAL], PROCESS_NAMES[QCD]) == ("signal", "qcd")


def test_events_of_calibration_are_nobodys_data_and_of_the_same_physics():
    calibrating = [process + CALIBRATION for process in PHYSICS]
    assert all(a != b for a, b in product(calibrating, PHYSICS))
    assert [process % CALIBRATION for process in calibrating] == list(PHYSICS)
