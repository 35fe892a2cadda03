"""A worker-like process that runs one agent step and writes its heartbeats to a file: to be killed in tests.

`python -m tests.support.agent_worker FOLDER BEATS`
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from activities.agents.adapter import AgentSettings
from activities.executors.agent import AgentExecutor
from tests.support.agent_executions import agent_stage


async def work(folder: Path, beats: Path) -> None:
    """Run the step `work` below `folder`."""
    stage = agent_stage(folder, {"provider": "claude-code", "security_profile": "unrestricted"})

    def beat(details: object) -> None:
        with beats.open("a") as file:
            file.write(json.dumps(details) + "\n")

    stage.execution.heartbeat = beat
    await AgentExecutor(AgentSettings(worker_environment=dict(os.environ))).execute(stage.execution)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1]), Path(sys.argv[2])))
