"""One process: HTTP, consumer, relay and ticks of a service, ended in order; losses of the servers are waited out."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from functools import partial
from typing import TypeVar

import asyncpg
import structlog
import uvloop
from aiokafka.errors import KafkaError

from contracts.topics import heard_by, said_by
from services.chassis import logs, metrics
from services.chassis.books import keep_watch
from services.chassis.consumer import Consumer
from services.chassis.database import DATABASE_ERRORS, is_transient, open_pool
from services.chassis.ending import end_on_signals
from services.chassis.errors import GridwardError, GroupNotLeft, LogAhead
from services.chassis.health import Health, database_trouble, kafka_trouble
from services.chassis.reader import LogReader, log_reader
from services.chassis.rebuilding import refuse_half_done
from services.chassis.relay import AFTER_AHEAD, Relay
from services.chassis.service import App, Service
from services.chassis.settings import Settings
from services.chassis.standstill import keep_moving
from services.chassis.subscription import subscribed
from services.chassis.tail import refuse_log_ahead
from services.chassis.ticking import keep_ticking
from services.chassis.topics import await_topics, make_topics
from services.chassis.web import make_web, served

log = structlog.get_logger()

TRY_AGAIN = 0.5
PATIENCE = 20.0  # for what is under way at the end
LEAVING = 60.0  # for a group that is left to be joined anew; beyond it the process ends, to be started again
START_PATIENCE = 2.0  # for a step of the start: cut while it connects, aiokafka leaves its socket open
T = TypeVar("T")


class Running:
    """A service that runs in this process. url: of its HTTP. failed: done when a part ended by an error."""

    def __init__(self, app: App, health: Health, url: str) -> None:
        self.app, self.health, self.url = app, health, url
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ending, self._started = asyncio.Event(), False
        self._pausing = asyncio.Event()  # set with it, and while the database is behind the log
        self.consumer: Consumer | None = None
        health.awaits("kafka", "starting")
        self._work = asyncio.create_task(self._with_kafka())
        self._work.add_done_callback(self._notice)

    async def end(self) -> None:
        """Finish what is under way, ticks and batches before the relay, then close."""
        self._ending.set()
        self._pausing.set()
        _, late = await asyncio.wait({self._work}, timeout=PATIENCE if self._started else START_PATIENCE)
        if late and self._started:
            log.error("ended in the middle of its work", service=self.app.name, seconds=PATIENCE)
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    def _notice(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]  # what one of the tasks beside each other ended by
        if error is not None and not self.failed.done():
            self.failed.set_exception(error)

    async def _with_kafka(self) -> None:
        """Topics first, then all that needs them. Until then HTTP is served and events gather in the outbox."""
        app, kafka = self.app, self.app.settings.kafka
        async with AsyncExitStack() as stack:
            await self._again(lambda: make_topics(kafka, said_by(app.name), app.settings.replication))
            reader = await self._again(lambda: stack.enter_async_context(log_reader(kafka)))
            await stack.enter_async_context(self._relaying())
            while not self._ending.is_set():
                await self._until_not_behind(reader)
                await self._at_work(reader)

    async def _at_work(self, reader: LogReader) -> None:
        """Hear, tick and watch, until the process ends or the database is found behind the log."""
        app, pausing = self.app, self._pausing
        async with AsyncExitStack() as listening:

            async def listen() -> None:
                await self._leave(listening)
                await self._again(lambda: self._listen(listening, reader))
                self.health.well("kafka")

            await listen()
            self._started = True
            async with asyncio.TaskGroup() as group:
                group.create_task(keep_watch(app, reader, self.health, pausing))
                if heard_by(app.name):
                    group.create_task(keep_moving(app, reader, self.health, pausing, self._listener, listen))
                for tick in app.ticks:
                    group.create_task(keep_ticking(app, tick, reader, pausing))
            if not self._ending.is_set():
                await self._leave(listening)

    def _behind(self, error: LogAhead) -> None:
        """A failover under a running process lost commits: its relay finds it out, as at a start."""
        self.app.refusing = str(error)
        self._pausing.set()

    @asynccontextmanager
    async def _relaying(self) -> AsyncIterator[None]:
        app = self.app
        relay = Relay(app.name, app.settings.database, app.settings.kafka, app.wake_relay, self.health, self._behind)
        task = asyncio.create_task(relay.run())
        task.add_done_callback(self._notice)
        try:
            yield
        finally:
            relay.stop()
            await asyncio.wait({task})

    async def _until_not_behind(self, reader: LogReader) -> None:
        """A database that was put back hears nothing and does nothing by itself until its new epoch is open."""
        app = self.app
        while not self._ending.is_set():
            try:
                async with app.pool.acquire() as db:
                    await self._again(partial(refuse_log_ahead, db, reader, app.name))
                app.refusing = ""
                if not self._ending.is_set():
                    self._pausing.clear()
                self.health.well("log")
                return
            except LogAhead as error:
                app.refusing = str(error)
                self.health.unwell("log", app.refusing)
            except DATABASE_ERRORS as error:
                if not is_transient(error):
                    raise
                self.health.unwell("log", database_trouble(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), AFTER_AHEAD)
        raise asyncio.CancelledError

    async def _leave(self, listening: AsyncExitStack) -> None:
        """Raises GroupNotLeft."""
        try:
            async with asyncio.timeout(LEAVING):
                await listening.aclose()
        except TimeoutError:
            words = f"{self.app.name} could not leave its group within {LEAVING:.0f} s to join it anew: start it again"
            raise GroupNotLeft(words) from None

    def _listener(self) -> Consumer:
        assert self.consumer is not None  # noqa: S101 - whoever hears a topic has one from the start on
        return self.consumer

    async def _listen(self, stack: AsyncExitStack, reader: LogReader) -> None:
        app, heard = self.app, heard_by(self.app.name)
        if heard:
            self.health.awaits("kafka", "waits for the topics it hears")
            await await_topics(app.settings.kafka, heard)
            self.consumer = Consumer(app.service, app.settings, app.pool, reader, self.health, app.applied)
            await stack.enter_async_context(subscribed(self.consumer, app.name, app.settings, app.pool, reader))

    async def _again(self, work: Callable[[], Awaitable[T]]) -> T:
        """Until Kafka answers, or the process ends."""
        while not self._ending.is_set():
            try:
                return await work()
            except (KafkaError, OSError) as error:
                self.health.unwell("kafka", kafka_trouble(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), TRY_AGAIN)
        raise asyncio.CancelledError


async def _pool(service: Service, settings: Settings) -> asyncpg.Pool:
    """The pool, as soon as PostgreSQL answers."""
    said = ""
    while True:
        try:
            return await open_pool(service.name, service.schema, settings)
        except DATABASE_ERRORS as error:
            if not is_transient(error):
                raise
            if said != (said := database_trouble(error)):
                log.warning("waiting for PostgreSQL", service=service.name, reason=said)
        await asyncio.sleep(TRY_AGAIN)


@asynccontextmanager
async def running(service: Service, settings: Settings) -> AsyncIterator[Running]:
    """Run a service until the block ends. Raises at its end what ended a part of it."""
    pool = await _pool(service, settings)
    try:
        await refuse_half_done(pool, service.name)
        app, health = App(service, settings, pool), Health(service.name)
        if service.on_start is not None:
            await service.on_start(app)
        metrics.begin(app.name, (topic.key for topic in heard_by(app.name)), (tick.name for tick in app.ticks))
        async with (
            served(make_web(app, health), settings.http_host, settings.http_port) as url,
            service.beside(app, health) if service.beside else nullcontext(),
        ):
            log.info("serving", service=service.name, url=url)
            run = Running(app, health, url)
            try:
                yield run
            finally:
                await run.end()
            if run.failed.done():
                run.failed.result()
    finally:
        with suppress(TimeoutError):  # a request that waited to the end for a server that does not answer is let go
            await asyncio.wait_for(pool.close(), PATIENCE)


async def serve(services: Sequence[tuple[Service, Settings]]) -> None:
    """Run services in this process until SIGTERM or SIGINT. Raises what ended one of them."""
    work = asyncio.create_task(_run_all(services))
    end_on_signals(work)
    with suppress(asyncio.CancelledError):
        await work


async def _run_all(services: Sequence[tuple[Service, Settings]]) -> None:
    async with AsyncExitStack() as stack:
        runs = [await stack.enter_async_context(running(service, settings)) for service, settings in services]
        try:
            await asyncio.wait([run.failed for run in runs], return_when=asyncio.FIRST_COMPLETED)
        finally:
            log.info("ending", services=[service.name for service, _ in services])


def main(services: Sequence[tuple[Service, Settings]]) -> int:
    """Run until asked to end; the exit code. A refusal is said in words, without a trace."""
    logs.configure(services[0][1].log_level)
    # A batch makes some 100,000 objects and no cycle: searching them for cycles took a third of the door's time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        uvloop.run(serve(services))
    except GridwardError as error:
        log.critical("refused", reason=str(error))
        return 1
    return 0
