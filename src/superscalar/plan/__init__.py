"""The plan language: representation, front ends, checks, evaluation and printing."""
