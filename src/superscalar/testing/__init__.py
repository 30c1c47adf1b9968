"""Doubles for tests, of ours and of users: a scripted model and virtual time."""

from superscalar.testing.clock import Deadlock, VirtualLoop, run
from superscalar.testing.scripted import ScriptedModel

__all__ = ["Deadlock", "ScriptedModel", "VirtualLoop", "run"]
