"""Garbage: what nothing refers to any more is removed from a store, while runs go on; and all that is there, checked.

marking     which blobs are reachable from records and documents
collecting  what is kept, what is removed: runs, cached steps, blobs
verifying   every blob hashed again, every record read
"""
