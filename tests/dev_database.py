"""A file like the DEV version's, as dirty as such files get; the same arguments make the same file.

Run as a program it makes one to try the import with: python tests/dev_database.py kbju_bot.db 100
"""

from __future__ import annotations

import random
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE users (
    telegram_id BIGINT, username TEXT, first_name TEXT, last_name TEXT, sex TEXT, date_of_birth TEXT, created_at TEXT
);
CREATE TABLE user_records (
    id INTEGER PRIMARY KEY, telegram_id BIGINT, date TEXT, weight REAL, waist REAL, neck REAL, hip REAL, height REAL,
    goal TEXT, steps TEXT, sport_type TEXT, sport_freq TEXT, step_multiplier REAL, bodyfat REAL
);
CREATE TABLE user_food_preferences (
    id INTEGER PRIMARY KEY, telegram_id BIGINT, likes_raw TEXT, dislikes_raw TEXT, created_at TEXT
);
"""
COLUMNS = {
    "users": ["telegram_id", "username", "first_name", "last_name", "sex", "date_of_birth", "created_at"],
    "user_records": [
        "telegram_id",
        "date",
        "weight",
        "waist",
        "neck",
        "hip",
        "height",
        "goal",
        "steps",
        "sport_type",
        "sport_freq",
        "step_multiplier",
        "bodyfat",
    ],
    "user_food_preferences": ["telegram_id", "likes_raw", "dislikes_raw", "created_at"],
}
MEN, WOMEN = ["male", "m", "М", "муж", "Мужской"], ["female", "F", "ж", "Жен.", "женский"]
GOALS = ["healthy", "athletic", "lean", "maintain", "weight_loss", "weight_gain", None, "стать сильнее"]
STEPS = ["5000-7499", 8000, "12 000", "<5000", "10000+", "7500-9999", 1.375, None, "много"]
SPORTS = [
    ("силовые", "3-4"),
    ("бег", 2),
    ("йога и растяжка", "5 раз в неделю"),
    ("нет", None),
    (None, "3"),
    ("шахматы", 1),
]
FIRST_DAY = date(2024, 1, 1)
NOBODY = 4_000_000_000_000
"""From here on are ids without a user."""


@dataclass
class DevFile:
    """The rows that are going to be written, and what a right import makes of them."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {table: [] for table in COLUMNS})
    rejected: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, *, rejected: bool = False, **row: Any) -> None:
        """Add a row; the columns that are not given are NULL."""
        assert set(row) <= set(COLUMNS[table])
        self.rows[table].append(row)
        self.rejected[table] += rejected

    @property
    def read(self) -> dict[str, int]:
        """The number of rows by table."""
        return {table: len(rows) for table, rows in self.rows.items()}

    @property
    def accepted(self) -> dict[str, int]:
        """The number of rows, by table, that an import takes over."""
        return {table: len(rows) - self.rejected[table] for table, rows in self.rows.items()}

    def write(self, path: Path) -> None:
        """Write the file."""
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executescript(SCHEMA)
            for table, columns in COLUMNS.items():
                connection.executemany(
                    f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                    [[row.get(column) for column in columns] for row in self.rows[table]],
                )


def make(users: int, *, records_each: int = 20, first_id: int = 1, seed: int = 1) -> DevFile:
    """Make a file of this many users, apart from rows that belong to nobody.

    The first is a man of 90/40/180, to whom the DEV version gave 24.9 % of body fat.
    """
    chance = random.Random(seed)  # noqa: S311 - to be the same each time
    made = DevFile()
    made.add("users", telegram_id=first_id, first_name="Иван", sex="male", date_of_birth="1990-05-17")
    made.add(
        "user_records", telegram_id=first_id, date="2024-01-01", weight=82, waist=90, neck=40, height=180, bodyfat=24.9
    )
    for telegram_id in range(first_id + 1, first_id + users):
        man = chance.random() < 0.5
        _add_user(made, chance, telegram_id, man)
        _add_records(made, chance, telegram_id, man, records_each)
        _add_preferences(made, chance, telegram_id)
    for number in range(max(1, users // 100)):
        made.add("users", rejected=True, telegram_id=chance.choice([None, 0, -100123, "не число"]), first_name="Никто")
        nobody = NOBODY + number
        made.add("user_records", rejected=True, telegram_id=nobody, date="2024-01-01", weight=70, height=170)
        made.add("user_food_preferences", rejected=True, telegram_id=nobody, likes_raw="рыба")
    return made


def _add_user(made: DevFile, chance: random.Random, telegram_id: int, man: bool) -> None:
    born = date(1960, 1, 1) + timedelta(days=chance.randrange(15_000))
    row: dict[str, Any] = {
        "telegram_id": telegram_id,
        "username": chance.choice([None, "", f"user{telegram_id}"]),
        "first_name": chance.choice(["Анна", "Boris", "Ли\0ла", "😀", None, "Анна", "я" * 300, "Вера"]),
        "last_name": chance.choice([None, "", "Петрова"]),
        "sex": chance.choice(MEN if man else WOMEN) if chance.random() < 0.95 else chance.choice([None, "", "?"]),
        "date_of_birth": chance.choice(
            [f"{born:%Y-%m-%d}", f"{born:%d.%m.%Y}", f"{born:%Y-%m-%d} 00:00:00", None, "2020-01-01", "в мае"]
        ),
        "created_at": chance.choice(["2023-12-30 10:00:00.123456", "2023-12-30T10:00:00+03:00", "30.12.2023", None, 0]),
    }
    if chance.random() < 0.03:
        made.add("users", rejected=True, **row | {"first_name": "Прежний"})
    made.add("users", **row)


def _add_records(made: DevFile, chance: random.Random, telegram_id: int, man: bool, count: int) -> None:
    height, weight = (chance.randrange(160, 200), 85.0) if man else (chance.randrange(150, 180), 65.0)
    for number in range(count):
        day = FIRST_DAY + timedelta(days=7 * number)
        weight = round(weight + chance.uniform(-0.7, 0.6), 1)
        sport, frequency = chance.choice(SPORTS)
        row: dict[str, Any] = {
            "telegram_id": telegram_id,
            "date": chance.choice([f"{day:%Y-%m-%d}", f"{day:%d.%m.%Y}", f"{day:%Y-%m-%d} 08:30:00"]),
            "weight": chance.choice([weight, f"{weight}".replace(".", ","), f" {weight} кг"]),
            "waist": chance.choice([weight + 5, f"{round(weight + 5, 1)} см", weight + 5, None, "не мерил", 7.0]),
            "neck": chance.choice([38.0, "38,5", 38.0, 38.0, 38.0, 69]),
            "hip": None if man else chance.choice([weight + 35, 100, "100"]),
            # The first row of each user has one, for those that have none.
            "height": height if number == 0 else chance.choice([height, f"{height} см", height / 100, None, "метр"]),
            "goal": chance.choice(GOALS),
            "steps": chance.choice(STEPS),
            "sport_type": sport,
            "sport_freq": frequency,
            "step_multiplier": 1.375,
            "bodyfat": 24.9,
        }
        luck = chance.random()
        if number and luck < 0.02:
            made.add(
                "user_records", rejected=True, **row | {"weight": chance.choice([None, "", "много", 700, 7, b"\xff"])}
            )
        elif number and luck < 0.04:
            made.add("user_records", rejected=True, **row | {"date": chance.choice([None, "", "вчера", "2999-01-01"])})
        elif luck < 0.08:
            made.add("user_records", rejected=True, **row | {"weight": 99.9})
            made.add("user_records", **row)
        else:
            made.add("user_records", **row)


def _add_preferences(made: DevFile, chance: random.Random, telegram_id: int) -> None:
    table, written = "user_food_preferences", "2024-01-02 10:00:00"
    luck = chance.random()
    if luck < 0.1:
        made.add(table, rejected=True, telegram_id=telegram_id, likes_raw=" ", created_at=written)
    if luck < 0.2:
        made.add(table, rejected=True, telegram_id=telegram_id, likes_raw="прежнее", created_at=written)
    if luck < 0.6:
        made.add(
            table,
            telegram_id=telegram_id,
            likes_raw="рыба,\nрис",
            dislikes_raw="лук" * (400 if luck < 0.21 else 1),
            created_at=written,
        )


if __name__ == "__main__":
    made = make(int(sys.argv[2]))
    made.write(Path(sys.argv[1]))
    print("accepted:", made.accepted)
    print("rejected:", dict(made.rejected))
