"""The workspace: the files that travel from step to step, and how they get in and out of folders.

manifest      what a tree is; its digest names it (entries: one path each; shards: pieces of a big one)
sources       from the caller's folder to the first tree of a run (source_stats: known from the last command)
scanning      what is in a folder, read without following anything
git           git, asked with everything switched off that would run a program
git_sources   from a repository to the first tree of a run
ignores       which paths git would ignore
stat_cache    which files need not be read again
snapshots     from a folder to a tree
restoring     from a tree to a folder, touching only what differs
checkouts     private folders of a worker, one per run and branch (slots: what is done to one)
pool          processes for heavy work on trees (pool_process: one of them)
linked_folders  ignored folders of the caller's in those copies, read-only
collisions    paths that are one where a file system folds names
merging       the join of parallel branches (text_merging: three versions of a text made one)
deltas        what differs between two trees
changes       what a run made, for people: diff (line_matching, unified_diff) and apply (applying, branches)
"""
