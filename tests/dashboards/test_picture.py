"""The README's picture shows what Prometheus has answered, where Grafana would show it."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from dashboards.asking import Question
from dashboards.drawing import NAMED, WIDTH, Series, draw
from dashboards.picture import BOARD, LARGEST, main, series_of
from dashboards.values import Shown, color_of, shown, word_of

BEGIN, END = 1_700_000_000.0, 1_700_000_900.0
OVERVIEW: dict[str, Any] = json.loads(BOARD.read_text(encoding="utf-8"))


def wave(name: str, level: float, swing: float) -> Series:
    moments = range(int(BEGIN), int(END), 15)
    points = [(float(moment), level + swing * math.sin(moment / 70 + len(name))) for moment in moments]
    return Series(name, {"alertname": name, "severity": "page"}, points)


def answers(level: float) -> Mapping[int, list[Series]]:
    """Return three series for each panel of the overview."""
    return {
        panel["id"]: [wave(name, level, level / 9) for name in ("one", "two", "three")] for panel in OVERVIEW["panels"]
    }


def colours(picture: bytes) -> dict[str, int]:
    """Return how many points of a picture have about the colour of a threshold."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    found = dict.fromkeys(NAMED, 0)
    for times, point in image.getcolors(2**24) or []:
        assert isinstance(point, tuple)
        for name, code in NAMED.items():
            wanted = [int(code[place : place + 2], 16) for place in (1, 3, 5)]
            if all(abs(have - want) <= 12 for have, want in zip(point, wanted, strict=True)):
                found[name] += times
    return found


def how(unit: str, decimals: int | None = None) -> Shown:
    return Shown(unit, decimals, None, None, [(None, "green"), (0.8, "red")], {1.0: "up"}, False, [])


def test_the_overview_fits_into_the_readme() -> None:
    picture = draw(OVERVIEW, answers(0.5), BEGIN, END)
    image = Image.open(io.BytesIO(picture))

    assert image.format == "PNG"
    assert image.width == WIDTH
    assert 1000 <= image.height <= 1400
    assert len(picture) <= LARGEST


def test_what_is_bad_is_red() -> None:
    """Availability is promised to be 0.999."""
    (panel,) = [panel for panel in OVERVIEW["panels"] if panel["title"] == "Available, 30 days"]
    one = {**OVERVIEW, "panels": [panel]}

    good = colours(draw(one, {panel["id"]: [wave("x", 0.9995, 0.0001)]}, BEGIN, END))
    bad = colours(draw(one, {panel["id"]: [wave("x", 0.99, 0.0001)]}, BEGIN, END))

    assert (good["green"] > 50, good["red"]) == (True, 0)
    assert (bad["red"] > 50, bad["green"]) == (True, 0)


@pytest.mark.parametrize(
    "panel", [one for one in OVERVIEW["panels"] if one["type"] != "row"], ids=lambda one: one["title"]
)
def test_every_panel_shows_its_answer(panel: dict[str, Any]) -> None:
    one = {**OVERVIEW, "panels": [panel]}

    assert draw(one, answers(0.5), BEGIN, END) != draw(one, {}, BEGIN, END)


@pytest.mark.parametrize("title", ["Response time", "Updates", "Who answers", "Available, 30 days"])
def test_what_was_before_is_shown(title: str) -> None:
    """Names and newest values are the same: what differs is the line."""
    (panel,) = [panel for panel in OVERVIEW["panels"] if panel["title"] == title]
    one = {**OVERVIEW, "panels": [panel]}
    level = [(BEGIN + 60 * minute, 1.0) for minute in range(15)]
    dented = [*level[:5], (level[5][0], 0.0), *level[6:]]

    pictures = [draw(one, {panel["id"]: [Series("x", {}, points)]}, BEGIN, END) for points in (level, dented)]

    assert pictures[0] != pictures[1]


def test_a_kind_of_panel_that_it_can_not_draw() -> None:
    panel = {**OVERVIEW["panels"][1], "type": "heatmap"}

    with pytest.raises(KeyError, match="heatmap"):
        draw({**OVERVIEW, "panels": [panel]}, {}, BEGIN, END)


@pytest.mark.parametrize(
    ("unit", "decimals", "value", "text"),
    [
        ("percentunit", 3, 0.99951, "99.951 %"),
        ("percentunit", None, 0.5, "50 %"),
        ("s", None, 0.0234, "23.4 ms"),
        ("s", None, 1.5, "1.50 s"),
        ("s", None, 7200, "2 hours"),
        ("s", None, 80 * 86400, "80 days"),
        ("bytes", 1, 1.5 * 2**30, "1.5 GiB"),
        ("eps", None, 16.25, "16.2 /s"),
        ("short", None, 12_000, "12 K"),
        ("none", None, 412, "412"),
    ],
)
def test_values_are_written_with_their_unit(unit: str, decimals: int | None, value: float, text: str) -> None:
    assert shown(how(unit, decimals), value) == text


def test_words_and_colours_of_values() -> None:
    assert word_of(how("none"), 1) == "up"
    assert word_of(how("none"), 2) == "2"
    assert [color_of(how("none"), value) for value in (0.79, 0.8, None)] == ["green", "red", ""]


def test_answers_of_prometheus_become_series() -> None:
    question = Question("one", "Panel", 1, "A", "up", "{{job}}", False)
    labels = {"job": "bot"}

    (matrix,) = series_of(question, [{"metric": labels, "values": [[1.5, "2"], [2.5, "NaN"]]}])
    (vector,) = series_of(question, [{"metric": labels, "value": [3, "1"]}])

    assert (matrix.name, matrix.points[0], matrix.last) == ("bot", (1.5, 2.0), 2.0)
    assert vector.points == [(3.0, 1.0)]


def test_without_a_stack_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("KBJU_HTTPS_PORT", "1")
    monkeypatch.setenv("KBJU_INSTANCE", "no-such-instance")

    assert main(["--output", str(tmp_path / "x.png")]) == 1
    assert "make up" in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
