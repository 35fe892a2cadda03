"""The step cache: when a step need not run again, and why it must.

keys            which facts decide: a descriptor, and its digest
records         what a step made, as it lies in the store under its key
lookup          what is kept and may be taken now
saving          keeping a result, and seeing that it is another than before
fitting         whether what a step changed can be put on the tree at hand
flights         equal steps at once: one works
index           which keys a step had lately, and why it ran
explanations    which fields of two descriptors differ
counts          how often steps came from the cache
housekeeping    figures, and clearing
"""
