"""Whom an operator puts into the application's group reads the logs; nobody else without root."""

from __future__ import annotations

from testinfra.host import Host

from rehearsal import ROOT

LOG = f"{ROOT}/logs/bot/bot.log"


def test_a_member_of_the_group_reads_the_bots_log(nas: Host) -> None:
    assert nas.check_output(f"sudo -u kbju head -n 1 {LOG}") != ""


def test_who_is_not_in_the_group_does_not(nas: Host) -> None:
    said = nas.run(f"sudo -u http head -n 1 {LOG}")

    assert said.rc != 0
    assert "Permission denied" in said.stderr


def test_the_group_writes_nothing_there(nas: Host) -> None:
    assert nas.run(f"sudo -u kbju touch {ROOT}/logs/bot/other").rc != 0
