"""The step cache: when a step need not run again, and why it must.

keys            which facts decide: a descriptor, and its digest
records         what a step made, kept under its key; look-up and saving
index           which keys a step of a definition had lately
explanations    which fields of two descriptors differ
housekeeping    figures, and clearing
"""
