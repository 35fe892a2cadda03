"""The workspace: the files that travel from step to step, and how they get in and out of folders.

manifest      what a tree is; its digest names it (entries: one path each; shards: pieces of a big one)
sources       from the caller's folder to the first tree of a run (source_stats: known from the last command)
scanning      what is in a folder, read without following anything
ignores       which paths git would ignore
stat_cache    which files need not be read again
snapshots     from a folder to a tree
restoring     from a tree to a folder, touching only what differs
checkouts     private folders of a worker, one per run and branch (slots: what is done to one)
pool          processes for heavy work on trees (pool_process: one of them)
merging       the join of parallel branches
deltas        what differs between two trees
changes       what a run made, for people: diff and apply
"""
