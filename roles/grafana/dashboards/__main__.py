"""Writes the dashboards' files into the role's templates."""

from __future__ import annotations

from pathlib import Path

from dashboards import BOARDS

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "dashboards"


def main() -> None:
    """Write every dashboard's file, and remove those that no dashboard has any more."""
    wanted = {board.file: board.json() for board in BOARDS}
    for old in FOLDER.glob("*.json*"):
        if old.name not in wanted:
            old.unlink()
            print(f"removed {old.name}")
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
