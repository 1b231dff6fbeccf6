"""A cache for byte strings."""

from collections import OrderedDict


class ByteCache:
    """Keeps the byte strings used last, `limit` bytes in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: OrderedDict[str, bytes] = OrderedDict()
        self.size = 0
        """Bytes kept."""

    def get(self, key: str) -> bytes | None:
        """Return what is kept for the key, if anything."""
        value = self._items.get(key)
        if value is not None:
            self._items.move_to_end(key)
        return value

    def put(self, key: str, value: bytes) -> None:
        """Keep the value and forget, where it is too much, what was used longest ago."""
        self.size += len(value) - len(self._items.pop(key, b""))
        self._items[key] = value
        while self.size > self._limit:
            _, forgotten = self._items.popitem(last=False)
            self.size -= len(forgotten)

    def clear(self) -> None:
        """Forget everything."""
        self._items.clear()
        self.size = 0
