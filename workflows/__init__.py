"""Deterministic code only: the one workflow `perdure.run` and the interpreter in it.

run_definition   the workflow class: input, controls, queries, continue-as-new
interpreter      walks a definition over a ledger, with the effects of a host
lists            how the steps of one list follow each other: in order, or by `needs`
steps/           what a step type without an activity of its own does, a module each
host             what the interpreter asks of the world (a Protocol)
temporal_host    that host, on Temporal
ledger           reading and writing records
scope            which values a step sees
events           the list of what happened
gates            decisions: who may, and what they mean
status           the status record
details          the run as Markdown for the Web UI
"""
