"""What a dataset says about an experiment: yields, spectra and significances of toys, rates of a trigger."""
