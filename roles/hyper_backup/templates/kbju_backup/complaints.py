"""What PostgreSQL's programs complain about, without the rows they quote: those are people's measurements."""

from __future__ import annotations

import re

# A quoted word that follows one of these is a name of the schema's or the server's, anything else may be somebody's.
_NAMED = r"(?:relation|table|database|role|column|constraint|index|schema|sequence|extension|function|user|parameter)"
_COMPLAINT = re.compile(r"^(?:[\w./-]+: )*(?:error|fatal|panic|ERROR|FATAL|PANIC): +(.*)$", flags=re.MULTILINE)
_LONGEST = 200
NO_SPACE = "No space left on device"


def cause(complaint: str) -> str:
    """Return the first error in a program's standard error on one line, values masked."""
    found = _COMPLAINT.search(complaint)
    text = found.group(1) if found else (complaint.strip().splitlines() or ["it said nothing"])[0]
    return _masked(text)[:_LONGEST]


def _masked(text: str) -> str:
    masked = re.sub(rf'(?<!\w)({_NAMED} )"([\w.]+)"', r"\1<\2>", text)
    masked = re.sub(r'"[^"]*"?', '"…"', masked)
    return re.sub(r"<([\w.]+)>", r'"\1"', masked)
