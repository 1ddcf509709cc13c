"""How much may be under way at once: by key and minute, and in one process."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from services.intake import room as module
from services.intake.room import ComeBackLater, Room
from services.intake.sender import Sender

KEY = Sender("key-1", ("33",), "lab", frozenset({"test"}), records_a_minute=60)
TOKEN = Sender("desk", ("33",))


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_key_that_sent_a_minutes_worth_waits_until_there_is_room_for_one_more() -> None:
    watch = Watch()
    room = Room(watch)
    with room.body(KEY):
        room.count(KEY, 60)
    with pytest.raises(ComeBackLater) as later, room.single(KEY):
        pass
    assert later.value.seconds == 1
    watch.seconds += later.value.seconds
    with room.single(KEY):
        pass


def test_a_large_request_is_taken_and_paid_off_afterwards() -> None:
    watch = Watch()
    room = Room(watch)
    with room.body(KEY):
        room.count(KEY, 180)
    with pytest.raises(ComeBackLater) as later, room.body(KEY):
        pass
    assert later.value.seconds == 121


def test_an_idle_key_saves_no_more_than_a_minutes_worth() -> None:
    watch = Watch()
    room = Room(watch)
    room.count(KEY, 0)
    watch.seconds += 86_400
    room.count(KEY, 61)
    with pytest.raises(ComeBackLater), room.single(KEY):
        pass


def test_one_keys_haste_does_not_stop_another_or_a_token() -> None:
    room = Room(Watch())
    room.count(KEY, 1_000)
    with room.body(KEY._replace(name="key-2")), room.single(TOKEN):
        pass


def test_beyond_what_may_be_under_way_nothing_more_is_held() -> None:
    room = Room(Watch())
    with ExitStack() as under_way:
        for _ in range(module.MOST_BODIES):
            under_way.enter_context(room.body(TOKEN))
        with pytest.raises(ComeBackLater), room.body(TOKEN):
            pass
    with room.body(TOKEN):
        pass


def test_bytes_are_given_back_when_a_request_ends_however_it_ends() -> None:
    room = Room(Watch())
    for _ in range(3):
        with pytest.raises(ComeBackLater), room.holding() as hold:
            hold(module.MOST_BYTES)
            hold(1)
    with room.holding() as hold:
        hold(module.MOST_BYTES)


def test_more_spreadsheets_than_memory_has_room_for_wait() -> None:
    room = Room(Watch())
    with room.sheet(TOKEN), room.sheet(TOKEN):
        with pytest.raises(ComeBackLater), room.sheet(TOKEN):
            pass
        with room.body(TOKEN):
            pass
    for _ in range(3):
        with room.sheet(TOKEN):
            pass
