"""What every mishap needs at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import httpx

from tests.faults.chaos.chronicle import Chronicle
from tests.faults.chaos.counters import Counters
from tests.faults.chaos.playing import Boundary
from tests.faults.chaos.replicas import Replica, Troop
from tests.faults.chaos.servers import Servers


@dataclass
class Scene:
    """another: makes a further replica of a service, not yet started nor in the troop."""

    servers: Servers
    troop: Troop
    client: httpx.AsyncClient
    chronicle: Chronicle
    counters: Counters
    boundary: Boundary
    chance: Random
    another: Callable[[str], Replica]
