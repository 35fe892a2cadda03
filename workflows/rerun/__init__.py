"""Rerun: what of an earlier run's ledger a new run begins with. Pure: no Temporal, no store, no clock.

outline      where a record stands: in which list, item or pass, and what kind of list that is
comparison   two definitions, step by step: what of the old results no longer fits the new one
seeds        what is done again for its own sake: failed, unfinished, undone, asked for, changed
closure      what is done again because it depends on that
plan         both together: the ledger that is kept, and what people are told of it
"""
