"""Executors that wrap another one: copy the one that you need."""
