"""Doubles for tests: a scripted model, virtual time, simulated providers under a seed, and what tools are given."""

from typing import TYPE_CHECKING

from superscalar.renamed import renamed
from superscalar.testing.clock import Deadlock, Endless, VirtualLoop, run
from superscalar.testing.context import NotedContext, Notes, tool_context
from superscalar.testing.latency import Latency, constant, heavy_tail, lognormal, uniform
from superscalar.testing.provider import Faults, Provider, ServiceError, ServiceRequest, Slowdown
from superscalar.testing.scripted import ScriptedModel
from superscalar.testing.simulation import seeds, simulate

__all__ = [
    "Deadlock",
    "Endless",
    "Faults",
    "Latency",
    "NotedContext",
    "Notes",
    "Provider",
    "ScriptedModel",
    "ServiceError",
    "ServiceRequest",
    "Slowdown",
    "VirtualLoop",
    "constant",
    "heavy_tail",
    "lognormal",
    "run",
    "seeds",
    "simulate",
    "tool_context",
    "uniform",
]

if not TYPE_CHECKING:
    __getattr__ = renamed(__name__, Request="ServiceRequest")
