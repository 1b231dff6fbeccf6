"""How Alertmanager is started: what it says gets into the log, the bot's token does not; signals reach it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable

from alertmanager.conftest import TOKEN, free_port
from alertmanager.running import PATIENCE, START, Alertmanager, alert


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def logged(alertmanager: Alertmanager, text: str, times: int = 1) -> str:
    """Wait until a text stands in the log so many times; return the log."""
    end = time.monotonic() + PATIENCE
    while (log := alertmanager.log()).count(text) < times:
        assert time.monotonic() < end, log
        time.sleep(0.05)  # between two looks; the deadline ends the wait
    return log


def test_the_token_does_not_get_into_the_log_when_telegram_is_away(start: Callable[..., Alertmanager]) -> None:
    alertmanager = start(alertmanager_telegram_api_url=f"http://127.0.0.1:{free_port()}")
    alertmanager.post(alert("BotDown", service="bot"))

    log = logged(alertmanager, "connection refused")

    assert "/bot(token)/sendMessage" in log
    assert TOKEN not in log
    assert TOKEN.partition(":")[2] not in log


def test_it_reads_its_configuration_anew_stops_at_once_and_comes_again(start: Callable[..., Alertmanager]) -> None:
    alertmanager = start()
    loaded = "Completed loading of configuration file"
    logged(alertmanager, loaded)

    docker("kill", "--signal", "HUP", alertmanager.container)
    logged(alertmanager, loaded, times=2)
    begun = time.monotonic()
    docker("stop", "--time", str(int(START)), alertmanager.container)

    assert time.monotonic() - begun < START / 2
    assert docker("inspect", "--format", "{{.State.ExitCode}}", alertmanager.container) == "0"
    # What it says last is there too.
    assert "Received SIGTERM" in alertmanager.log()

    docker("start", alertmanager.container)
    logged(alertmanager, loaded, times=3)


def test_what_keeps_it_from_starting_is_in_the_log(start: Callable[..., Alertmanager]) -> None:
    alertmanager = start()
    image = docker("inspect", "--format", "{{.Config.Image}}", alertmanager.container)
    command = ["docker", "run", "--rm", "--read-only", "--network=none", "--tmpfs=/tmp", "--entrypoint=sh"]
    command += [f"--volumes-from={alertmanager.container}:ro", image, "/etc/alertmanager/start.sh"]

    done = subprocess.run(
        [*command, "--storage.path=/tmp", "--cluster.listen-address=", "--config.file=/absent"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "open /absent: no such file" in done.stdout
