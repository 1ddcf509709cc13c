"""A table `code,name` kept as the bytes of its file, sorted by code: the country in 24 MB."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping

HEADER = b"code,name\n"
_BLOCK = 4096  # bytes between two marks: a block is scanned in C faster than Python halves it


class CodeTable:
    """Immutable. Codes of one table may differ in length; a code stands before the codes that it begins."""

    def __init__(self, lines: bytes) -> None:
        """`lines`: HEADER, then a line `code,name` each, UTF-8, sorted by code, each ended by a newline."""
        self._lines = lines
        self._starts = [len(HEADER)]
        for at in range(len(HEADER) + _BLOCK, len(lines), _BLOCK):
            self._starts.append(lines.find(b"\n", at) + 1)
        self._marks = [lines[start : lines.find(b",", start)] for start in self._starts]

    @classmethod
    def of(cls, names: Mapping[str, str]) -> CodeTable:
        return cls(HEADER + "".join(f"{code},{name}\n" for code, name in sorted(names.items())).encode())

    def __len__(self) -> int:
        return self._lines.count(b"\n") - 1

    def names(self) -> dict[str, str]:
        """The whole table as code -> name."""
        return {code: name for code, _, name in (line.partition(",") for line in self._lines.decode().splitlines()[1:])}

    def name(self, code: str) -> str | None:
        key = f"\n{code},".encode()
        start, end = self._block(key[1:-1])
        line = self._lines.find(key, start - 1, end)
        return None if line < 0 else self._lines[line + len(key) : self._lines.find(b"\n", line + 1)].decode()

    def below(self, code: str) -> Iterator[str]:
        """The shortest codes that begin with `code` and are longer: its children, in order."""
        prefix = code.encode()
        line = self._seek(prefix + b"0")
        while self._lines.startswith(prefix, line):
            child = self._lines[line : self._lines.find(b",", line)]
            yield child.decode()
            line = self._seek(child + b":")  # ":" follows "9": past everything that begins with this child

    def _block(self, code: bytes) -> tuple[int, int]:
        """Offsets between which the line of `code` begins, if there is one."""
        block = max(bisect_right(self._marks, code) - 1, 0)
        return self._starts[block], self._starts[block + 1] if block + 1 < len(self._starts) else len(self._lines)

    def _seek(self, code: bytes) -> int:
        """Offset of the first line whose code is not below `code`."""
        low, high = self._block(code)
        while low < high:
            line = self._lines.rfind(b"\n", low, (low + high) // 2) + 1 or low
            if self._lines[line : self._lines.find(b",", line)] < code:
                low = self._lines.find(b"\n", line) + 1
            else:
                high = line
        return low
