"""Sockets are counted by address and by whether somebody has signed in; places to join are given out in turn."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from collab_server.adapters.rates import network_of
from collab_server.adapters.websocket.token_bucket import GRANT, TokenBucket
from collab_server.errors import TooMany
from collab_server.realtime.admission import SOCKETS_PER_BUDGET, Admission
from collab_server.realtime.join_slots import JoinSlots
from tests.realtime.document_harness import ListSocket

FIRST, SECOND, HERE = "198.51.100.7", "203.0.113.5", "127.0.0.1"


def admission(maximum: int = 100, per_address: int = 100, share: float = 0.2) -> Admission:
    return Admission(maximum, per_address, share, 1000.0, 10_000)


def test_one_address_has_a_share_of_the_connections() -> None:
    held = admission(per_address=2)
    sockets = [ListSocket() for _ in range(3)]
    for socket in sockets[:2]:
        held.enter(socket, FIRST)
    with pytest.raises(TooMany, match="your address"):
        held.enter(sockets[2], FIRST)
    held.enter(sockets[2], SECOND)
    held.leave(sockets[0])
    held.enter(ListSocket(), FIRST)
    assert len(held) == 3


def test_addresses_of_this_machine_are_not_limited() -> None:
    held = admission(per_address=2)
    for _ in range(50):
        held.enter(ListSocket(), HERE)
    assert len(held) == 50


def test_an_ipv6_network_counts_as_one_address() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:198.51.100.7") == FIRST
    assert network_of("") == ""


def test_a_full_server_ends_the_oldest_silent_socket_for_a_new_one() -> None:
    held = admission(maximum=3)
    silent, signed_in, later = ListSocket(), ListSocket(), ListSocket()
    held.enter(silent, FIRST)
    held.enter(signed_in, FIRST)
    held.accept(signed_in, guest=False)
    held.enter(later, FIRST)
    newcomer = ListSocket()
    held.enter(newcomer, SECOND)
    assert silent.closed is not None
    assert silent.closed[0] == 4529
    assert later.closed is None
    assert len(held) == 3
    for socket in (later, newcomer):
        held.accept(socket, guest=False)
    with pytest.raises(TooMany, match="this server holds 3"):
        held.enter(ListSocket(), SECOND)
    held.leave(silent)
    assert len(held) == 3


def test_guests_leave_a_part_of_the_connections_to_people_who_are_signed_in() -> None:
    held = admission(maximum=10, share=0.2)
    guests = [ListSocket() for _ in range(9)]
    for socket in guests:
        held.enter(socket, FIRST)
    for socket in guests[:8]:
        held.accept(socket, guest=True)
    with pytest.raises(TooMany, match="signed in"):
        held.accept(guests[8], guest=True)
    held.accept(guests[8], guest=False)
    # A guest who signs in makes room for another guest.
    held.accept(guests[0], guest=False)
    other = ListSocket()
    held.enter(other, FIRST)
    held.accept(other, guest=True)


def test_all_sockets_of_an_address_share_a_budget() -> None:
    held = admission()
    sockets = [ListSocket() for _ in range(SOCKETS_PER_BUDGET + 1)]
    for socket in sockets:
        held.enter(socket, FIRST)
    for socket in sockets[:-1]:
        held.budget(socket).spend(10_000)
    with pytest.raises(TooMany):
        held.budget(sockets[-1]).spend(1)
    other = ListSocket()
    held.enter(other, SECOND)
    held.budget(other).spend(1)


def test_a_bucket_refuses_when_it_is_empty_and_takes_one_cost_above_its_size() -> None:
    bucket = TokenBucket(0.001, 1000)
    spent = 0
    with pytest.raises(TooMany):
        for _ in range(2000):
            bucket.spend(1)
            spent += 1
    assert 1000 - GRANT <= spent <= 1000 + 2 * GRANT
    large = TokenBucket(0.001, 10)
    large.spend(1_000_000)
    with pytest.raises(TooMany):
        large.spend(2)


async def test_slots_are_given_to_addresses_in_turn_and_within_them_to_sockets_in_turn() -> None:
    slots = JoinSlots(1)
    order: list[str] = []

    async def join(address: str, socket: str) -> None:
        async with slots.held(address, socket):
            order.append(f"{address}{socket}")

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(slots.held("z", "1"))
        waiting = [("a", "1")] * 4 + [("a", "2")] * 2 + [("b", "1")] * 2
        tasks = [asyncio.create_task(join(*who)) for who in waiting]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["a1", "b1", "a2", "b1", "a1", "a2", "a1", "a1"]


async def test_a_slot_is_free_again_after_any_end_of_its_holder_or_waiter() -> None:
    slots = JoinSlots(1)

    async def join(held: asyncio.Event) -> None:
        async with slots.held("a", "1"):
            held.set()
            await asyncio.Event().wait()

    first, second, third = (asyncio.Event() for _ in range(3))
    holder = asyncio.create_task(join(first))
    waiter = asyncio.create_task(join(second))
    last = asyncio.create_task(join(third))
    await first.wait()
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    holder.cancel()
    await third.wait()
    assert not second.is_set()
    last.cancel()
    await asyncio.gather(holder, last, return_exceptions=True)
    async with slots.held("b", "1"):
        pass
    # The slot was given to a waiter in the turn in which it was cancelled.
    async with slots.held("b", "1"):
        late = asyncio.create_task(join(asyncio.Event()))
        await asyncio.sleep(0)
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    async with slots.held("c", "1"):
        pass
