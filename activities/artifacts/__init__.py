"""Artifacts: files, folders and values that runs share, by name, version and tag.

    versions         what there is: versions are records, counted from 1, never changed
    tags             names that stand at a version, and move
    content          what an artifact is: a file or a tree, taken out of a workspace or laid into one
    retention        which versions go
    step_artifacts   `publish` and `fetch` of a step
    getting          an artifact onto a disk, checked

    artifacts/<name>/versions/<number>               a version
    artifacts/<name>/publications/<who>/<number>     a number that a publication has tried to take
    artifacts/<name>/tags/<tag>                      where a tag stands
    artifacts/<name>/deleted/<number>                a version that was deleted; its number is never given again

What is published is in the store already when its version appears, so nobody ever sees half of one.
"""
