"""Folds of events into what people and programs look at."""
