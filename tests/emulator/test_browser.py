"""The browser's container goes away with who has started it."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser

TESTS = Path(__file__).resolve().parents[1]
HOLD = """
import secrets, sys
name = sys.argv[1]
secrets.token_hex = lambda _: name
import browser
with browser.chromium():
    print("running", flush=True)
    sys.stdin.read()
"""


def containers(name: str) -> list[str]:
    command = ["docker", "ps", "--all", "--format={{.Names}}", f"--filter=name=kbju-browser-{name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def start(name: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, name], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    assert containers(name) == [f"kbju-browser-{name}"]
    return process


def test_it_is_removed_at_the_end() -> None:
    name = secrets.token_hex(4)
    process = start(name)
    process.communicate()
    assert process.returncode == 0
    assert containers(name) == []


def test_it_is_removed_when_the_tests_are_killed() -> None:
    name = secrets.token_hex(4)
    process = start(name)
    process.kill()
    process.communicate()
    end = time.monotonic() + 15
    while containers(name):
        assert time.monotonic() < end


def test_it_draws_cyrillic_and_emoji(browser: Browser) -> None:
    """A font that lacks a character draws a box, the same one for all that it lacks."""
    page = browser.new_page()
    page.set_content("<canvas>")
    drawn = page.evaluate(
        """() => [..."ЖЩ🙂👨\uf8ff"].map((one) => {
          const canvas = document.createElement("canvas");
          const context = canvas.getContext("2d");
          context.font = "20px Roboto, system-ui";
          context.fillText(one, 5, 50);
          return canvas.toDataURL();
        })"""
    )
    page.close()
    assert len(set(drawn)) == 5
