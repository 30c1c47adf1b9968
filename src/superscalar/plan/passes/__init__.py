"""Passes over the plan, one per file, each named for what it does to the program."""
