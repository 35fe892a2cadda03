"""Secrets: where a worker finds their values, and how it keeps them out of everything that is recorded.

sources    from a name to a value: variables, files, what a package brings
masking    a value in text, in all its usual encodings, becomes `***`
guarding   files that hold one are refused before they are stored
"""
