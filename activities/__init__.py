"""Everything with an effect.

run_step         one attempt of a step, as an activity: resolve, look up, run, store
prepare, finish  the two bookkeeping activities of a run
memory           when Python looks for unreachable objects
leftovers        what an earlier worker left on this machine
evaluate         expressions that read files or stored values
fast_forward     the interpreter over the cache: how far a run gets without running anything
executors/       one a step type: how it runs
agents/          coding agents: a shared runner, one adapter a provider
process/         starting, watching and ending processes
store/           content-addressed blobs, records and run documents: a folder (or, later, S3)
workspace/       manifests, snapshots, checkouts, merges
cache/           keys, records, look-ups, explanations
file_functions/  what `parse_coverage` and the like read
"""
