"""Grafana's dashboards in Python, with Grafana's own types; `molecule/local/dashboards` writes the files."""

from __future__ import annotations

from dashboards import backups, bot, nas, overview, postgres

BOARDS = (overview.BOARD, bot.BOARD, postgres.BOARD, nas.BOARD, backups.BOARD)
