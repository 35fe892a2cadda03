"""`perdure test`: definitions tested without servers, keys or waiting.

    collecting   which test files there are, with their definitions
    verdicts     the seam between the levels: what a played case gives, and what is judged
    plan         level *plan*: the interpreter over a host of our own
    simulated    level *simulated*: the real workflow on the dev server, steps stubbed
    real         level *real*: the real workflow with real steps, agents scripted
    coverage     which steps and branches of a definition the cases take
    report       what a person, a program and a CI server read
    writing      `--init` and `--update`: test files written and mended in place

The three levels have the same functions: `opened()` gives `play` while its `async with` lasts.
"""
