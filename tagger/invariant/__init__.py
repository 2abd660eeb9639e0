"""Networks that say the same of a jet whatever the pile-up: views of the same jets, Bernoulli units, an adversary."""
