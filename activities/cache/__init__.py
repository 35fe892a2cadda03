"""The step cache: keys, records, look-ups, explanations."""
