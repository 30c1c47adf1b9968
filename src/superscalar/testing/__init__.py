"""Doubles for tests, of ours and of users: a scripted model, virtual time, and simulated providers under a seed."""

from superscalar.testing.clock import Deadlock, Endless, VirtualLoop, run
from superscalar.testing.latency import Latency, constant, heavy_tail, lognormal, uniform
from superscalar.testing.provider import Faults, Provider, Request, ServiceError, Slowdown
from superscalar.testing.scripted import ScriptedModel
from superscalar.testing.simulation import seeds, simulate

__all__ = [
    "Deadlock",
    "Endless",
    "Faults",
    "Latency",
    "Provider",
    "Request",
    "ScriptedModel",
    "ServiceError",
    "Slowdown",
    "VirtualLoop",
    "constant",
    "heavy_tail",
    "lognormal",
    "run",
    "seeds",
    "simulate",
    "uniform",
]
