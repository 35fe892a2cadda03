"""Deterministic code only: the one workflow `perdure.run` and the interpreter in it.

run_definition   the workflow class: input, controls, queries, continue-as-new
interpreter      walks a definition over a ledger, with the effects of a host
host             what the interpreter asks of the world (a Protocol)
temporal_host    that host, on Temporal
ledger           reading and writing records
scope            which values a step sees
gates            decisions: who may, and what they mean
status           the status record, current details, search attributes
"""
