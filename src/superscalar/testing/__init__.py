"""Doubles for tests, of ours and of users: a scripted model and a virtual clock."""
