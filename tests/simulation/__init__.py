"""A campaign of simulations over the real shell: random plans, providers, faults and ends."""
