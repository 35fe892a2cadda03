"""Where runs go: a server, a namespace, a task queue, and the store that its worker uses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server with a worker, as a client needs to know it."""

    address: str
    namespace: str
    task_queue: str
    store: str
    ui_url: str | None
    is_embedded: bool
