"""Runs an `http-get` step: one request, in a thread, within bounds."""

import asyncio
import http.client
from pathlib import Path
from urllib.parse import urlsplit

from activities.executors.plugin import Execution, Outcome
from definitions.errors import ErrorClass, StepFailure
from perdure_http_get import HttpGet

TIMEOUT_SECONDS = 30


class HttpGetExecutor:
    """What Perdure calls for each attempt."""

    async def execute(self, options: HttpGet, execution: Execution) -> Outcome:
        """Fetch the document; a status that is not expected fails the step, and `retry` may try again."""
        execution.log.note(f"GET {options.url}")
        status, content = await asyncio.to_thread(_fetch, options)
        if status not in options.expect:
            raise StepFailure(ErrorClass.EXIT, f"`{options.url}` answered {status}", {"status": status})
        if len(content) > options.most_bytes:
            raise StepFailure(ErrorClass.OUTPUT, f"`{options.url}` has more than {options.most_bytes} bytes")
        if options.save_to is None:
            return Outcome({"status": status, "text": content.decode(errors="replace")})
        target = _inside(execution.workspace, options.save_to)
        await asyncio.to_thread(target.write_bytes, content)
        return Outcome({"status": status, "bytes": len(content)})


def _fetch(options: HttpGet) -> tuple[int, bytes]:
    """Return status and content, one byte more than allowed at most. Raises StepFailure."""
    parts = urlsplit(options.url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read(options.most_bytes + 1)
    except TimeoutError as error:
        raise StepFailure(ErrorClass.TIMEOUT, f"`{options.url}` did not answer in {TIMEOUT_SECONDS} s") from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise StepFailure(ErrorClass.EXIT, f"`{options.url}` cannot be fetched: {error}") from error
    finally:
        connection.close()


def _inside(workspace: Path, name: str) -> Path:
    """Return a place in the workspace. Raises StepFailure where the path would leave it."""
    target = (workspace / name).resolve()
    if not target.is_relative_to(workspace.resolve()):
        raise StepFailure(ErrorClass.WORKSPACE, f"`{name}` leads out of the workspace")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target
