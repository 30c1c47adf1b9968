"""Seven small offices with tools, records and data of their own: what the written plans are written for."""

from __future__ import annotations
