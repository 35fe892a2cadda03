"""Functions of the language that read files; `definitions.functions.files` declares them.

reader      StoreFileReader: finds a file in a tree of the store (or by reference), calls the functions
coverage    Cobertura XML, coverage.py JSON and LCOV as one report
junit       JUnit XML
documents   JSON, YAML, TOML, text
xml_events  XML read as events: no entities, no external anything, bounded depth
"""
