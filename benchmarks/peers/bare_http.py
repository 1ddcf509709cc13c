"""HTTP and nothing else: uvicorn takes a body and answers 200. The limit of any handler under this load."""

from __future__ import annotations

import os
from typing import Any

import uvicorn

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY = {"type": "http.response.body", "body": b"{}"}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await send(HEAD)
    await send(BODY)


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning", access_log=False, lifespan="off")
