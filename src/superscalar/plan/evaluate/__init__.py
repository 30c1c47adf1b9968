"""What an expression comes to, and whose label it bears: data in, data out, within bounds."""
