"""Carries a plan out, one run after the other."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .children import ChildError, Load, running_bot, running_load
from .contenders import CONTENDERS, IN_FLIGHT, Place
from .database import FIRST_USER, USERS, Server
from .plan import Plan, Run

Result = dict[str, Any]


async def carry_out(plan: Plan, bot_source: Path, tell: Callable[[str], None]) -> tuple[list[Result], dict[str, Any]]:
    """Return one result for each run, and PostgreSQL's settings. A run that fails has an `error`, and no figures."""
    server = Server()
    with tempfile.TemporaryDirectory(prefix="kbju-bench-") as directory:
        try:
            tell("PostgreSQL starts, and gets its users")
            # Not in a thread, which would go on starting it when we are interrupted.
            server.start()
            await server.seed(bot_source)
            runs = list(plan.runs())
            results = []
            for number, run in enumerate(runs, 1):
                results.append(await _run(run, server, Path(directory) / str(number), bot_source))
                tell(f"{number}/{len(runs)} {run.label}: {_brief(results[-1])}")
            return results, server.settings
        finally:
            server.stop()


async def _run(run: Run, server: Server, directory: Path, bot_source: Path) -> Result:
    await asyncio.to_thread(directory.mkdir)
    contender = CONTENDERS[run.contender]
    result: Result = {
        "contender": run.contender,
        "kind": run.kind,
        "latency_ms": run.latency_ms,
        "per_minute": run.per_minute,
        "round": run.round,
    }
    name = await server.fresh() if contender.ours else ""
    try:
        # Update numbers of runs must not meet: the stand-in's own come from the clock.
        async with running_load(run.latency_ms, 1 + 1_000_000 * (time.monotonic_ns() % 1000), directory) as load:
            url = server.url(name, "kbju_bot") if name else ""
            place = Place(load.url, directory, bot_source, url, server.password if name else "")
            measured = await _measure(run, load, place, server.pid if contender.ours else None)
        found = problems(measured)
        if not found:
            return result | measured
        logs = {name: (directory / f"{name}.log").read_text(errors="replace")[-4000:] for name in ("bot", "load")}
        return result | measured | {"error": "; ".join(found), "logs": logs}
    except (ChildError, TimeoutError) as error:
        return result | {"error": str(error) or type(error).__name__}
    finally:
        if name:
            await server.drop(name)


async def _measure(run: Run, load: Load, place: Place, database: int | None) -> Result:
    command = CONTENDERS[run.contender].command(place)
    users = [FIRST_USER + 1 + number for number in range(USERS - 1)]
    if run.kind == "drain":
        await load.order("backlog", count=run.count, users=users[: max(1, run.count // 5)])
    async with running_bot("bot", command.arguments, command.environment, place.directory) as bot:
        watched = {"bot": bot.pid, "database": database}
        if run.kind == "drain":
            return await load.order("drain", **watched)
        probe = await load.order("probe", user=FIRST_USER)
        bot.check()
        if not probe["answered"]:
            raise ChildError(f"no first reply: {bot.tail()}")
        times = {"warmup": run.warmup, "seconds": run.seconds}
        if run.kind == "closed":
            measured = await load.order("closed", users=users[:IN_FLIGHT], **times, **watched)
        else:
            measured = await load.order("open", users=users, rate=run.per_minute / 60, **times, **watched)
        bot.check()
        return measured


def problems(measured: Result) -> list[str]:
    """Return what makes a run worthless: every update has one reply, and the right one."""
    found = []
    if measured["broken"]:
        found.append(f"the load itself failed: {measured['broken'][0]}")
    if measured["lost"]:
        found.append(f"{measured['lost']} updates without a reply")
    if measured["surplus"]:
        found.append(f"{measured['surplus']} replies too many")
    if measured["wrong"]:
        found.append(f"wrong replies: {measured['wrong']}")
    if not measured["replies"]:
        found.append("nothing was measured")
    return found


def _brief(result: Result) -> str:
    if "error" in result:
        return f"FAILED: {result['error']}"
    tail = f", p99 {result['p99_s'] * 1000:.0f} ms" if "p99_s" in result else f" in {result['seconds']:.1f} s"
    return f"{result['updates_per_s']:.0f} updates/s{tail}, {result['cpu_ms_per_update']:.2f} ms CPU an update"
