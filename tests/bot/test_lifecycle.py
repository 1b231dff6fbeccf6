"""The bot as a process: starting, stopping, several at once, and what it prints."""

import asyncio
import json
import signal
import socket
import time
from pathlib import Path

import pytest

from kbju_bot import __version__, exits

from .support import TOKEN, World, eventually, run_command


async def test_version_and_usage(tmp_path: Path) -> None:
    assert await run_command("version", {}, tmp_path) == (0, f"{__version__}\n")
    code, text = await run_command("dance", {}, tmp_path)
    assert code == exits.USAGE
    assert text.startswith("usage:")


async def test_wrong_settings_are_all_reported(world: World) -> None:
    environ = world.environment(LOG_LEVEL="LOUD", HTTP_PORT="0", WEBHOOK_URL="https://x.example.com")
    del environ["BOT_TOKEN"]
    async with world.process(environ, ready=False) as bot:
        assert await bot.ended() == exits.CONFIG
    assert bot.text.splitlines()[0] == "4 wrong setting(s):"
    for name in ("BOT_TOKEN", "LOG_LEVEL", "HTTP_PORT", "WEBHOOK_SECRET"):
        assert f"\n  {name}: " in bot.text
    assert world.cluster.password not in bot.text


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_sigterm_while_sending_loses_nothing(world: World, mode: str) -> None:
    environ = world.environment() if mode == "polling" else world.webhook_environment()
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", "kind": "latency", "seconds": 0.2})
    users = range(7001, 7033)
    async with world.process(environ) as bot:
        for user in users:
            await world.write(user, "/data")
        await eventually(lambda: world.value("SELECT count(*) > 0 FROM outbox WHERE attempts > 0 AND sent_at IS NULL"))
        assert await bot.terminate() == 0
        assert "stopped" in bot.text
    # What it took in, it answered.
    assert await world.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL") == 0
    await world.telegram.control("DELETE", "/faults")
    async with world.bot(environ):
        for user in users:
            assert len(await world.replies(user, 1)) == 1
        assert await world.value("SELECT count(*) FROM inbox") == len(users)


async def test_shutdown_takes_no_longer_than_allowed(world: World) -> None:
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", "kind": "timeout", "seconds": 60})
    async with world.process(world.environment(SHUTDOWN_TIMEOUT="0.3")) as bot:
        await world.write(7001, "/data")
        await eventually(lambda: world.value("SELECT attempts = 1 FROM outbox"))
        started = time.monotonic()
        assert await bot.terminate() == 0
        assert time.monotonic() - started < 4
    assert "it stays queued" in bot.text
    await world.telegram.control("DELETE", "/faults")
    started = time.monotonic()
    async with world.bot():
        await world.replies(7001, 1)
    # The reply was given back, so nobody waited for the lease to end.
    assert time.monotonic() - started < 10


async def test_a_killed_bot_loses_nothing(world: World) -> None:
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", "kind": "timeout", "seconds": 60})
    async with world.process() as bot:
        await world.write(7001, "/data")
        await eventually(lambda: world.value("SELECT attempts = 1 FROM outbox"))
        bot.process.kill()
        await bot.ended()
    await world.telegram.control("DELETE", "/faults")
    # The lease of a dead instance ends by itself; the test does not wait the minute.
    await world.admin.execute("UPDATE outbox SET next_attempt_at = now()")
    async with world.bot():
        assert len(await world.replies(7001, 1)) == 1


async def test_a_second_signal_ends_it_at_once(world: World) -> None:
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", "kind": "timeout", "seconds": 60})
    async with world.process(world.environment(SHUTDOWN_TIMEOUT="60")) as bot:
        await world.write(7001, "/data")
        await eventually(lambda: world.value("SELECT attempts = 1 FROM outbox"))
        bot.process.send_signal(signal.SIGTERM)
        await eventually(lambda: "stopping" in bot.text)
        bot.process.send_signal(signal.SIGTERM)
        assert await bot.ended(3) == 128 + signal.SIGTERM


async def test_sigterm_while_postgres_is_away(world: World) -> None:
    await world.gate.cut()
    async with world.process(ready=False) as bot:
        await eventually(lambda: "waiting for the database" in bot.text)
        assert await bot.terminate() == 0


async def test_two_pollers_take_turns(world: World) -> None:
    async with world.process() as first:
        await eventually(lambda: _is(first, "polling"))
        async with world.process(world.environment(LOG_FILE=str(world.directory / "second.log"))) as second:
            assert await _state(second) == "standby"
            await world.write(7001, "/data")
            await world.replies(7001, 1)
            assert await second.metric("bot_messages_total") == 0
            assert await second.metric("bot_poller_leader") == 0
            assert await first.metric("bot_poller_leader") == 1
            # Killed between Telegram's answer and its note of it, the first would leave the call leased for a minute.
            await eventually(lambda: world.value("SELECT sent_at IS NOT NULL FROM outbox"))
            first.process.kill()
            await first.ended()
            await eventually(lambda: _is(second, "polling"))
            await world.write(7001, "/help")
            await world.replies(7001, 2)
            assert await second.metric("bot_messages_total") == 1
            assert (await world.telegram.control("GET", "/counters"))["conflicts_409"] == 0


async def _state(bot: object) -> str:
    state: str = json.loads((await bot.get("/readyz"))[1])["state"]  # type: ignore[attr-defined]
    return state


async def _is(bot: object, state: str) -> bool:
    return await _state(bot) == state


async def test_a_leader_that_lost_its_connection_steps_down(world: World) -> None:
    async with world.bot() as first:
        await eventually(lambda: _is(first, "polling"))
        other = await world.cluster.connect(world.database)
        election = "SELECT pid FROM pg_stat_activity WHERE application_name = 'kbju-bot-election'"
        await world.admin.execute(f"SELECT pg_terminate_backend(pid) FROM ({election}) AS leader")
        # The lock goes to whoever is quick, here the test.
        await other.execute("SELECT pg_advisory_lock(-2)")
        await eventually(lambda: _is(first, "standby"))
        await other.close()
        await eventually(lambda: _is(first, "polling"))
        await world.write(7001, "/data")
        await world.replies(7001, 1)


async def test_two_webhook_instances_share_the_work(world: World) -> None:
    environ = world.webhook_environment()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other_port = str(probe.getsockname()[1])
    async with world.bot(environ), world.bot(environ | {"HTTP_PORT": other_port}) as second:
        assert (await second.get("/readyz"))[0] == 200
        for user in range(7001, 7011):
            await world.write(user, "/data")
            await world.write(user, "/help")
        for user in range(7001, 7011):
            first, last = await world.replies(user, 2)
            assert "Анна" in first
            assert "Анна" not in last
        assert await world.value("SELECT count(*) FROM outbox") == 20


async def test_health_readiness_and_metrics(world: World) -> None:
    async with world.process() as bot:
        assert await bot.get("/healthz") == (200, '{"alive": true}')
        await eventually(lambda: _is(bot, "polling"))
        status, text = await bot.get("/readyz")
        assert status == 200
        report = json.loads(text)
        assert report == {
            "ready": True,
            "state": "polling",
            "checks": {"database": {"ok": True}, "telegram": {"ok": True}},
        }
        await world.write(7001, "/data")
        await world.write(7001, "/user_7001")
        await world.replies(7001, 2)
        await eventually(lambda: bot.metric("bot_response_time_seconds_count"))
        assert await bot.metric('bot_commands_total{command="other"}') == 1
        assert await bot.metric("db_connections") >= 1
        text = (await bot.get("/metrics"))[1]
        for name in (
            "bot_messages_total",
            "bot_commands_total",
            "bot_response_time_seconds_bucket",
            "bot_active_users",
            "bot_outbox_pending",
            "bot_outbox_oldest_age_seconds",
            "bot_build_info",
            "bot_errors_total",
            "bot_update_lag_seconds_bucket",
            "bot_pending_updates",
            "bot_log_records_total",
            "bot_db_connections_busy",
            "bot_db_connections_max",
        ):
            assert f"\n{name}" in text
        assert "7001" not in text
        health = {"HTTP_PORT": bot.url.rpartition(":")[2]}
        assert await run_command("healthcheck", health, world.directory) == (0, "the bot answers 200\n")
    assert (await run_command("healthcheck", health, world.directory))[0] == 1


async def test_a_bot_is_ready_without_waiting_for_the_second_probe(world: World) -> None:
    async with world.bot(world.environment(PROBE_INTERVAL="60")) as bot:
        assert await bot.ready()


async def test_active_users_come_from_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kbju_bot.housekeeping.GAUGES_INTERVAL", 0.05)
    await world.admin.execute("DELETE FROM users")
    await world.admin.execute(
        "INSERT INTO users (telegram_id, first_name, created_at, last_seen_at) "
        "SELECT n, 'x', '2020-01-01', now() - n * interval '10 hours' FROM generate_series(1, 5) AS n"
    )
    async with world.bot() as bot:
        await eventually(lambda: bot.metric("bot_active_users"))
        assert await bot.metric("bot_active_users") == 2


async def test_metrics_can_be_switched_off(world: World) -> None:
    async with world.bot(world.environment(PROMETHEUS_ENABLED="false")) as bot:
        assert (await bot.get("/metrics"))[0] == 404


async def test_a_part_that_breaks_down_ends_the_bot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    async with world.bot() as bot:
        monkeypatch.setattr("kbju_bot.storage.outbox.claim", broken)
        assert await asyncio.wait_for(asyncio.shield(bot.task), 10) == exits.SOFTWARE


async def test_the_token_is_never_logged(world: World) -> None:
    file = world.directory / "bot.log"
    async with world.process(world.environment(DEBUG_MODE="true", SHUTDOWN_TIMEOUT="0.3")) as bot:
        await world.write(7001, "/data", first_name="Тайна")
        await world.replies(7001, 1)
        await world.telegram.control("POST", "/outage", {"active": True})
        await eventually(lambda: "polling failed" in bot.text)
        await world.gate.cut()
        await eventually(lambda: "database does not answer" in bot.text)
        await bot.terminate()
    for text in (bot.text, file.read_text()):
        assert "stopped" in text
        for secret in (TOKEN, "A" * 35, world.cluster.password, "Тайна", "7001"):
            assert secret not in text


async def test_a_refused_token_is_reported_without_it(world: World) -> None:
    async with world.process(world.environment(TELEGRAM_API_URL=world.telegram.url + "/nowhere"), ready=False) as bot:
        await eventually(lambda: "polling failed" in bot.text)
        assert not await bot.ready()
        said = (await bot.get("/readyz"))[1]
        assert '"telegram": {"ok": false' in said
        await bot.terminate()
    assert "A" * 35 not in bot.text
    assert "A" * 35 not in said
