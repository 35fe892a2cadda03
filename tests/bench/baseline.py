"""The other side of the benchmarks: workflows written by hand, as a good Temporal user would."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

ONCE = RetryPolicy(maximum_attempts=1)
MINUTE = timedelta(seconds=60)


@activity.defn
async def shell_by_hand(command: str) -> dict[str, object]:
    """Run a command and return its exit code and output."""
    process = await asyncio.create_subprocess_exec("bash", "-c", command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    return {"exit_code": process.returncode, "stdout": output.decode()}


@activity.defn
async def nothing_by_hand(command: str) -> dict[str, object]:
    """Do nothing."""
    return {"exit_code": 0, "stdout": ""}


@workflow.defn
class SequentialByHand:
    """N activities, one after the other."""

    @workflow.run
    async def run(self, count: int, name: str) -> int:
        for _ in range(count):
            await workflow.execute_activity(
                name, "true", result_type=dict, start_to_close_timeout=MINUTE, retry_policy=ONCE
            )
        return count


@workflow.defn
class ParallelByHand:
    """N activities at once."""

    @workflow.run
    async def run(self, count: int, name: str) -> int:
        calls = [
            workflow.execute_activity(name, "true", result_type=dict, start_to_close_timeout=MINUTE, retry_policy=ONCE)
            for _ in range(count)
        ]
        await asyncio.gather(*calls)
        return count


@workflow.defn
class FanOutByHand:
    """N activities, so many side by side, on the workflow's own queue or on another."""

    @workflow.run
    async def run(self, count: int, lanes: int, task_queue: str | None = None) -> int:
        waiting = list(range(count))

        async def lane() -> None:
            while waiting:
                item = str(waiting.pop(0))
                await workflow.execute_activity(
                    nothing_by_hand, item, task_queue=task_queue, start_to_close_timeout=MINUTE, retry_policy=ONCE
                )

        await asyncio.gather(*[lane() for _ in range(lanes)])
        return count
