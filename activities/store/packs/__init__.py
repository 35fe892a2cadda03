"""Packs: many small files in one, as a bucket and a folder keep them. One format for both.

frames   the stored form of content: raw, or one zstd stream
pack     a pack and its index, as bytes

Only this package imports zstandard, and it is imported only where a pack is written or read.
"""
