"""When Python looks for unreachable objects: seldom in a command and in the pool, as usual in a worker.

A command makes some 130,000 objects while it starts, nearly all of them for good: modules, classes, models. Looking
through them again and again for cycles was an eighth of the time that `perdure run` took until the run had started.
Work on big trees makes many objects without cycles too: there it was a tenth.
"""

import gc

OBJECTS_BEFORE_A_LOOK = 200_000
_USUAL = gc.get_threshold()


def look_seldom() -> None:
    """Let a process make its many objects without a look; one that goes on for long still gets them."""
    gc.set_threshold(OBJECTS_BEFORE_A_LOOK, *_USUAL[1:])


def look_as_usual() -> None:
    """Undo `look_seldom`, in a process that lives for days."""
    gc.set_threshold(*_USUAL)
