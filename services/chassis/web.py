"""HTTP of a service: its own routes, and /healthz, /readyz, /metrics, /books."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import structlog
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import ClientDisconnect

from services.chassis import metrics
from services.chassis.books import books
from services.chassis.bounds import BodiesBounded, HeadsBounded
from services.chassis.database import DATABASE_ERRORS, is_transient
from services.chassis.errors import GridwardError, KeyNotKnown, LogAhead, NoSuchDeadLetter, NotAllowed, NotSignedIn
from services.chassis.health import Health, database_trouble
from services.chassis.service import App
from services.chassis.settings import cannot_listen

log = structlog.get_logger()

DATABASE_PATIENCE = 2.0
_UNFIT = (asyncpg.CharacterNotInRepertoireError, asyncpg.NumericValueOutOfRangeError)
_STATUS: dict[type[GridwardError], int] = {
    NotSignedIn: 401,
    NotAllowed: 403,
    NoSuchDeadLetter: 404,
    LogAhead: 503,
    KeyNotKnown: 503,
}


def make_web(app: App, health: Health) -> FastAPI:
    """The ASGI application of one service."""
    web = FastAPI(title=f"gridward {app.name}", docs_url=None, redoc_url=None)
    if app.service.routes is not None:
        web.include_router(app.service.routes(app))
    _add_own_routes(web, app, health)
    web.add_exception_handler(GridwardError, _on_our_error)
    web.add_exception_handler(asyncpg.DataError, _on_unfit_value)
    web.add_exception_handler(ClientDisconnect, _on_broken_off)
    web.add_exception_handler(RequestValidationError, _on_unfit_request)
    web.add_exception_handler(UnicodeEncodeError, _on_half_a_character)
    web.add_middleware(BodiesBounded)
    for kind in DATABASE_ERRORS:
        web.add_exception_handler(kind, _on_database_error)
    return web


def _add_own_routes(web: FastAPI, app: App, health: Health) -> None:
    database = _DatabaseLook(app)

    async def reasons_of() -> dict[str, str]:
        """Why the service is not ready, by its parts; empty when it is."""
        return health.reasons | app.reasons | await database.reason()

    @web.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"service": app.name, "alive": "yes"}

    @web.get("/readyz")
    async def readyz() -> JSONResponse:
        reasons = await reasons_of()
        return JSONResponse({"service": app.name, "ready": not reasons, "reasons": reasons}, 503 if reasons else 200)

    @web.get("/metrics")
    async def the_metrics() -> Response:
        metrics.READY.labels(app.name).set(not await reasons_of())
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @web.get("/books")
    async def the_books() -> dict[str, object]:
        return await books(app)


async def _on_our_error(request: Request, error: Exception) -> JSONResponse:
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    return JSONResponse({"detail": str(error)}, status)


async def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    if not is_transient(error):
        raise error
    return JSONResponse({"detail": "the database does not answer: send it again"}, 503, {"Retry-After": "1"})


async def _on_broken_off(request: Request, error: Exception) -> Response:
    log.info("a sender broke off", path=request.url.path)
    return Response(status_code=400)


async def _on_unfit_value(request: Request, error: Exception) -> JSONResponse:
    """What a request gave does not fit into the database: a NUL in a text, a number of twenty digits."""
    if not isinstance(error, _UNFIT) and "out of" not in str(error):  # asyncpg's own word: "value out of int64 range"
        raise error
    log.warning("a request's value does not fit", error=type(error).__name__, path=request.url.path)
    why = "a text of the request holds a NUL, or a number is out of range: correct it and send it again"
    return JSONResponse({"detail": why}, 422)


async def _on_unfit_request(request: Request, error: Exception) -> Response:
    """What is wrong, and where; not what was sent, which may name somebody or be half of a character."""
    wrong = error.errors() if isinstance(error, RequestValidationError) else ()
    told = [{name: each[name] for name in ("type", "loc", "msg") if name in each} for each in wrong]
    return Response(json.dumps({"detail": told}), 422, media_type="application/json")


async def _on_half_a_character(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, UnicodeEncodeError) or "surrogates" not in error.reason:
        raise error
    return JSONResponse(
        {"detail": "a text of the request holds half of a character: correct it and send it again"}, 422
    )


class _DatabaseLook:
    """One look at a time: of a server that hangs a cancelled question is not let go, so nobody waits for it to be."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._look: asyncio.Task[dict[str, str]] | None = None

    async def reason(self) -> dict[str, str]:
        """Why the database is a reason not to be ready; {} when it answers within 2 s."""
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._ask())
        done, _ = await asyncio.wait({self._look}, timeout=DATABASE_PATIENCE)
        if not done:
            return {"database": database_trouble(TimeoutError(f"nothing within {DATABASE_PATIENCE:.0f} s"))}
        return self._look.result()

    async def _ask(self) -> dict[str, str]:
        try:
            await self._app.pool.fetchval("select 1")
        except DATABASE_ERRORS as error:
            return {"database": database_trouble(error)}
        return {}


class _Server(uvicorn.Server):
    """Leaves signals to the process, which ends its other parts as well."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(web: FastAPI, host: str, port: int) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, "http://host:port". Raises WrongSettings: the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise cannot_listen("HTTP", host, port, error) from None
    config = uvicorn.Config(
        web,
        http=HeadsBounded,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
