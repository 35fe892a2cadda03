"""Random small definitions over random changes: with the cache the same as without, and repeated all from the cache."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies

from tests.support.cache_plays import CHANGES, SCENES, Change, Scene, Spec
from tests.support.cache_worlds import Ended, World

LONG = os.environ.get("PERDURE_LONG_TESTS") == "1"
EXAMPLES = 1000 if LONG else 8


@pytest.mark.timeout(7200 if LONG else 300)
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(SCENES, strategies.lists(CHANGES, min_size=1, max_size=3))
def test_run_with_the_cache_ends_as_one_without_it(scene: Scene, changes: list[Change]):
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(play(scene, changes, Path(home)))


async def play(scene: Scene, changes: list[Change], home: Path) -> None:
    """Run each scene in both worlds, and what was first once more at the end."""
    folder, tools = home / "workspace", home / "tools"
    folder.mkdir()
    tools.mkdir()
    plain, cached = World(home / "plain", is_cached=False), World(home / "cached", is_cached=True)
    scenes = [scene]
    for change in changes:
        scenes.append(change.made(scenes[-1]))
    ended: Ended | None = None
    for one in [*scenes, scene]:
        one.lay_out(folder, tools)
        ended = await run(plain, one, folder, tools)
        assert await run(cached, one, folder, tools) == ended, one.text
    if ended is not None and scene.settles:
        await run(cached, scene, folder, tools)
        missing = [path for path in hits_of(scene, ended) if path not in cached.cached]
        assert missing == [], scene.text


async def run(world: World, scene: Scene, folder: Path, tools: Path) -> Ended:
    """Run a scene in a world."""
    env = {} if scene.env is None else {"E": scene.env}
    return await world.run(scene.text.replace("TOOLS", str(tools)), folder, {"x": scene.x, "y": scene.y}, env)


def hits_of(scene: Scene, ended: Ended) -> list[str]:
    """Return the steps that a repetition takes from the cache."""
    found: list[str] = []
    for number, spec in enumerate(scene.steps):
        parts = dict(zip((f"s{number}/s{number}p", f"s{number}/s{number}q"), spec.inside, strict=False))
        for path, leaf in (parts or {f"s{number}": spec}).items():
            told = ended.steps.get(path)
            if told is not None and told[0] == "completed" and is_kept(leaf):
                found.append(path)
    return found


def is_kept(spec: Spec) -> bool:
    """Whether a step's result is kept, and taken."""
    return spec.is_plain and spec.policy not in ("off", "read", "write")
