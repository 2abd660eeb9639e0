"""The built-in engine: hard process, showers, multi-parton interactions, strings and decays as numba kernels.

The stages, in the order an event passes them: `sampling` (hard process), `showers`, `activity`, `remnants`,
`reconnection`, `hadronisation`, `decays`. Up to the strings an event is a list of `partons.Partons`; from the strings on a
list of `hadrons.Hadrons`. Every stage draws from a `dice.Dice` of its own.
"""
