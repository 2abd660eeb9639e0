"""One event told stage by stage: what the engine, the detector, the jets and the flavour algorithms did with it.

The event is made again by the very functions that made it for the file, here as plain Python (``NUMBA_DISABLE_JIT``), which
gives the same bits, needs no compilation and can be watched. So it runs in a process of its own; `ask` starts that.
"""
