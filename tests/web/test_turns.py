"""Turns: fair between flows, in order within one, and nothing is lost when somebody goes away."""

import asyncio
import threading
from collections.abc import Hashable

from hypothesis import given
from hypothesis import strategies as st

from web.turns import Turns


async def ask(turns: Turns, flow: Hashable, got: list[Hashable], name: Hashable) -> None:
    await turns.take(flow)
    got.append(name)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_second_flow_waits_for_one_turn_of_the_first_and_not_for_all() -> None:
    turns, got = Turns(1), list[Hashable]()
    many = [asyncio.create_task(ask(turns, "many", got, number)) for number in range(500)]
    await settle()
    one = asyncio.create_task(ask(turns, "one", got, "thumbnail"))
    await settle()
    turns.give_back()
    turns.give_back()
    await one
    assert got.index("thumbnail") == 2
    for _ in many:
        turns.give_back()
    await asyncio.gather(*many)
    assert [name for name in got if name != "thumbnail"] == [*range(500)]


async def test_who_goes_away_just_when_the_turn_comes_gives_it_to_the_next() -> None:
    turns, got = Turns(1), list[Hashable]()
    await turns.take("a")
    first = asyncio.create_task(ask(turns, "a", got, "first"))
    second = asyncio.create_task(ask(turns, "a", got, "second"))
    await settle()
    turns.give_back()
    first.cancel()
    await second
    assert (got, turns.waiting()) == (["second"], 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=30), st.integers(1, 3))
def test_places_are_neither_lost_nor_made(asked: list[tuple[str, bool]], places: int) -> None:
    async def play() -> None:
        turns, got = Turns(places), list[Hashable]()
        tasks = [asyncio.create_task(ask(turns, flow, got, n)) for n, (flow, _) in enumerate(asked)]
        await settle()
        for task, (_, leaves) in zip(tasks, asked, strict=True):
            if leaves:
                task.cancel()
        await settle()
        stay = len(got) + turns.waiting()
        for _ in range(stay):
            turns.give_back()
            await settle()
        assert (len(got), turns.waiting()) == (stay, 0)
        for _ in range(places):
            await asyncio.wait_for(turns.take("d"), 1)
        late = asyncio.create_task(turns.take("d"))
        await settle()
        assert not late.done()
        late.cancel()

    asyncio.run(play())


async def test_place_of_who_went_away_is_free_only_when_the_thread_has_ended() -> None:
    turns, goes_on, got = Turns(1), threading.Event(), list[Hashable]()
    asked = asyncio.create_task(turns.in_thread("a", goes_on.wait))
    later = asyncio.create_task(turns.in_thread("b", lambda: got.append("later")))
    await settle()
    asked.cancel()
    await settle()
    assert (asked.cancelled(), got, turns.waiting()) == (True, [], 1)
    goes_on.set()
    await later
    assert got == ["later"]
