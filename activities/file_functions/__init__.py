"""Functions of the language that read files."""
