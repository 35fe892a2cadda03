"""What talks to Temporal from outside: the `perdure` command.

cli            the command itself: names, order, suggestions, last resort for errors
commands/      one module a concept: what each command takes and does
messages/      every sentence that a person reads, one module an area
output         stdout, stderr, tables, JSON, text made safe for a terminal
connection     which server, which store; embedded default or a real cluster
starting       from a definition and its inputs to a started run
runs           the status, ledger and list of runs, from the server or the store
watching       the events of a run as they come
progress, live_progress    the events as lines, as NDJSON, as a live tree
conclusion     the last words about a run, and its exit code
controls       pause, resume, cancel, decide: update first, signal where there are none
step_logs      logs of steps, as they grow
testing/       `perdure test`: the levels, verdicts, coverage, reports
dev, endpoint  the embedded server and worker
"""
