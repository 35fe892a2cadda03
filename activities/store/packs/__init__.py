"""Packs: many small files in one, as a bucket and a folder keep them. One format for both.

frames    the stored form of content: raw, or one zstd stream
pack      a pack, as bytes
index     where in a pack each file is
known     which of many packs has a file
sweeping  when one goes, of which most is dead
damaged   what is raised where something is not what was written

Only `frames` imports zstandard (`pack` does by it): whoever only looks for a file does not need it.
"""
