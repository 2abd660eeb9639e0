"""Events as HepMC3 text (A. Buckley et al., Comput. Phys. Commun. 260, 2021, 107310): writing ours, reading anybody's."""
