"""A stack that is well wakes nobody, under a thousand requests a minute neither. First: nothing has failed yet."""

from __future__ import annotations

import os
import time

import pytest
from testinfra.host import Host

from alarms import OF_THE_MACHINE, Chat, Load, Monitoring
from rehearsal import Stack, until

# The requirement's ten minutes; fewer are for whoever works on the test.
MINUTES = float(os.environ.get("KBJU_SOAK_MINUTES", "10"))
PER_MINUTE = 1000
MONITORING = "kbju-(prometheus|grafana|alertmanager|blackbox|.+-exporter)"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def soaked(stack: Stack) -> tuple[float, Load, Chat]:
    """When the load began (seconds since 1970), and who wrote and read."""
    chat = Chat(stack)
    began = time.time()
    with Load(stack, PER_MINUTE) as load:
        time.sleep(MINUTES * 60)  # the time itself is what is asked for
    return began, load, chat


def test_the_load_was_what_it_should_be(nas: Host, soaked: tuple[float, Load, Chat]) -> None:
    began, load, _ = soaked
    seconds = int(time.time() - began)

    handled = Monitoring(nas).value(f"sum(increase(bot_messages_total[{seconds}s]))")

    assert not load.failed
    assert load.sent >= PER_MINUTE * MINUTES * 0.99
    # increase() extrapolates to the window's edges from samples that are 15 s apart.
    assert handled > load.sent * 0.95


def test_nothing_fired(nas: Host, soaked: tuple[float, Load, Chat]) -> None:
    began, _, chat = soaked

    assert Monitoring(nas).fired(began) - OF_THE_MACHINE == set()
    assert chat.told() == []
    # What takes longer to fire than the load lasted is not about to either.
    assert Monitoring(nas).alerts("pending") - OF_THE_MACHINE == set()


def test_the_error_budget_is_untouched(nas: Host, soaked: tuple[float, Load, Chat]) -> None:
    monitoring = Monitoring(nas)
    # What was lost while the stack was deployed is not the load's doing: not the last five minutes, but the load's own.
    during = f"[{MINUTES * 60 - 15:.0f}s]"

    answers = monitoring.value(f"sum(increase(bot_response_time_seconds_count{during}))")
    quick = monitoring.value(f'sum(increase(bot_response_time_seconds_bucket{{le="1.0"}}{during}))')
    print(f"{answers:.0f} answers, {answers - quick:.1f} of them after more than a second")
    assert monitoring.value(f'sum(increase(bot_errors_total{{kind=~"dialogue|storage"}}{during}))') == 0
    assert answers - quick < answers * 0.01
    assert monitoring.value(f"avg_over_time(sli:bot_serves{during})") == 1
    # So do the recorded levels say, as soon as the deployment is more than their five minutes ago.
    assert monitoring.value("slo:latency_errors:ratio_5m") < 0.01
    until(lambda: monitoring.value("slo:availability_errors:ratio_5m") == 0, "no error in five minutes", seconds=60)


def test_the_monitoring_stays_inside_its_budget(
    nas: Host, soaked: tuple[float, Load, Chat], capsys: pytest.CaptureFixture[str]
) -> None:
    """At most 900 MB may be used by all that only looks on."""
    monitoring, chosen = Monitoring(nas), f'{{name=~"{MONITORING}"}}'
    rows = {
        row["metric"]["name"]: [float(row["value"][1])]
        for row in monitoring.query(f"kbju_container_memory_limit_bytes{chosen}")
    }
    for row in monitoring.query(f"max_over_time(kbju_container_memory_bytes{chosen}[{int(MINUTES * 60)}s])"):
        rows[row["metric"]["name"]].append(float(row["value"][1]))
    limits, used = (sum(row[column] for row in rows.values()) for column in (0, 1))

    with capsys.disabled():
        print(f"\nmemory of the monitoring after {MINUTES:g} min under load, MB at most of limit:")
        for name, (limit, most) in sorted(rows.items()):
            print(f"  {name:<24} {most / MEGABYTE:6.1f} of {limit / MEGABYTE:6.1f}")
        print(f"  {'together':<24} {used / MEGABYTE:6.1f} of {limits / MEGABYTE:6.1f}")

    assert len(rows) == 7
    assert limits <= 900 * MEGABYTE
