"""The language and the wire contract: everything that needs no server and has no effect.

    errors        what can go wrong                 durations     "90s", "2h"
    models        a definition, normalised          steps/        one model a step type
    loader        text -> Definition + diagnostics  yaml_guard    hostile YAML is refused first
    diagnostics   one record per finding            rendering     text, JSON
    expressions   the value language                functions     its registry
    templates     `{{ }}` in fields                 shell_values  `{{ }}` in shell text
    types         what is known before a run        checks        rules over a whole definition
    lint          advice                            schema        JSON Schema for editors
    records       what travels between the rooms    messages      what people and tools send
    statuses      what people and tools see
    catalog/      ready-made definitions

Imports nothing of ours, and neither temporalio nor boto3.
"""
