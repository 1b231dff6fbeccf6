import sys
from pathlib import Path

ROLES = Path(__file__).resolve().parents[2] / "roles"
sys.path.insert(0, str(ROLES / "hyper_backup" / "templates"))
