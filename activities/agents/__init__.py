"""Coding agents: a shared runner; one adapter a provider, each with the same functions in the same order."""
