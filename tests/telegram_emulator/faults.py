"""Faults that tests order: errors, lost connections, slow answers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from .errors import ApiError, Drop, Json, too_many_requests

_KINDS = frozenset({"http", "timeout", "disconnect", "latency", "retry_after"})
_MOMENTS = frozenset({"before", "after"})
_STATUS_TEXTS = {
    400: "Bad Request",
    403: "Forbidden",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(slots=True)
class Rule:
    """One kind of misbehaviour, and the calls it befalls."""

    method: str = "*"
    chat_id: int | None = None
    kind: str = "http"
    code: int = 500
    description: str | None = None
    retry_after: int = 1
    seconds: float = 60.0
    times: int | None = None
    when: str = "before"
    """``after``: the call takes effect and only then fails, which is how messages get sent twice."""

    def __post_init__(self) -> None:
        if self.kind not in _KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(_KINDS))}")
        if self.when not in _MOMENTS:
            raise ValueError("when must be before or after")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or null")

    async def strike(self) -> None:
        """Wait, raise, or both."""
        if self.kind in {"latency", "timeout"}:
            await asyncio.sleep(self.seconds)
        if self.kind == "latency":
            return
        if self.kind == "retry_after":
            raise too_many_requests(self.retry_after)
        if self.kind == "http":
            parameters = {"retry_after": self.retry_after} if self.code == 429 else None
            text = self.description or _STATUS_TEXTS.get(self.code, "Error")
            raise ApiError(self.code, text, parameters)
        raise Drop


class Faults:
    """The rules in force."""

    __slots__ = ("rules",)

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, raw: Json) -> None:
        """Put a rule in force; ``ValueError`` when it makes no sense."""
        try:
            self.rules.append(Rule(**raw))
        except TypeError as error:
            raise ValueError(f"unknown field in a rule: {error}") from None

    def matching(self, method: str, chat_id: int | None) -> list[Rule]:
        """Rules for this call, each of them counted as used once. Delays add up, the first failure ends the list."""
        hit = []
        for rule in self.rules:
            if rule.method != "*" and rule.method.lower() != method:
                continue
            if rule.chat_id is not None and rule.chat_id != chat_id:
                continue
            hit.append(rule)
            if rule.times is not None:
                rule.times -= 1
            if rule.kind != "latency":
                break
        if hit:
            self.rules = [rule for rule in self.rules if rule.times != 0]
        return hit

    def view(self) -> list[Json]:
        """The rules as the control API shows them."""
        return [asdict(rule) for rule in self.rules]
