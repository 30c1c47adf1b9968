"""The front ends beside `python`: other texts, the same program."""
