"""Full Pythia8 histories as HepMC: what Pythia8's own converter would write, and the records of the engine `pythia8`."""

import pyhepmc

from pseudoexp.engines.batches import join
from pseudoexp.engines.driver import Driver
from pseudoexp.engines.history import flatten, record
from pseudoexp.engines.settings import EngineSettings, pythia_lines


def as_hepmc_and_records(process, n, path):
    """Write n events as HepMC3; return their records."""
    driver = Driver(pythia_lines(process, EngineSettings()), without_charm=process == 0)
    pythia, run = driver._pythia, pyhepmc.GenRunInfo()
    run.weight_names = ["Weight"]
    driver.seed("as hepmc")
    writer = pyhepmc.io.WriterAscii(str(path), run)
    for number in range(n):
        while not pythia.next():
            pass
        event = _graph(pythia.event)
        event.run_info, event.event_number = run, number
        event.weights = [pythia.infoPython().weight()]
        writer.write_event(event)
    writer.close()
    driver.seed("as hepmc")
    return join([record(flatten(driver.events(1)), k, 1.0, True) for k in range(n)])


def _graph(event):
    """Return a HepMC event; a particle comes out of the vertex in which its first mother ends."""
    made, particles, ends = pyhepmc.GenEvent(), [], {}
    for i in range(1, event.size()):
        p = event[i]
        particles.append(pyhepmc.GenParticle((p.px(), p.py(), p.pz(), p.e()), p.id(), _status(i, p)))
    for i in range(1, event.size()):
        mothers = sorted(m for m in event[i].motherList() if m > 0)
        if not mothers:
            continue
        vertex = next((ends[m] for m in mothers if m in ends), None)
        if vertex is None:
            p = event[i]
            vertex = pyhepmc.GenVertex((p.xProd(), p.yProd(), p.zProd(), p.tProd()))
        for m in mothers:
            if m not in ends:
                ends[m] = vertex
                vertex.add_particle_in(particles[m - 1])
        vertex.add_particle_out(particles[i - 1])
    made.add_tree(particles)
    return made


def _status(i, particle):
    if i < 3:
        return 4
    status = particle.status()
    hadron_or_tau = abs(particle.id()) > 100 or abs(particle.id()) == 15
    return 1 if status > 0 else 2 if hadron_or_tau and -status > 70 else -status
