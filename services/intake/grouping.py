"""Single requests that arrive together share one transaction: whatever has gathered while the last one committed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from services.intake.reading import Reading
from services.intake.verdicts import Verdict

Admit = Callable[[Sequence[Reading]], Awaitable[list[Verdict]]]


class Grouping:
    """A group is at most `most` readings; one group is admitted at a time, in the order in which they came."""

    def __init__(self, admit: Admit, most: int) -> None:
        self._admit = admit
        self._most = most
        self._waiting: deque[tuple[Reading, asyncio.Future[Verdict]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def admit(self, reading: Reading) -> Verdict:
        """The verdict, after the commit of the group. Raises what admitting it alone raises."""
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((reading, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            # A client that has gone before its turn is not admitted: nobody would hear the verdict.
            if here := [each for each in group if not each[1].cancelled()]:
                await self._answer(here)
        self._task = None

    async def _answer(self, group: Sequence[tuple[Reading, asyncio.Future[Verdict]]]) -> None:
        try:
            verdicts = await self._admit([reading for reading, _ in group])
        except Exception as error:
            if len(group) > 1:  # one bad neighbour is not the others' fault
                for each in group:
                    await self._answer([each])
            elif not group[0][1].done():
                group[0][1].set_exception(error)
            return
        for (_, answer), verdict in zip(group, verdicts, strict=True):
            if not answer.done():
                answer.set_result(verdict)
