"""Devices whose clocks are wrong: edits are ordered by the server's clock, as far as a device knows it."""

import asyncio
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner

from collab_server.client import clock
from collab_server.client.cli import cli
from collab_server.client.clock import Clock
from collab_server.client.outbox import Outbox
from collab_server.client.store import Store
from tests.client.devices import backdate_edits, device, met
from tests.features.api_harness import ApiHarness

HOUR = 3_600_000_000
MINUTE = 60_000_000


def test_a_clock_is_corrected_and_never_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: 1000 * HOUR)
    ahead = Clock(-3 * HOUR).tick()
    assert ahead.last == 997 * HOUR
    assert ahead.tick().last == ahead.last + 1
    monkeypatch.setattr(clock, "now", lambda: 999 * HOUR)
    assert ahead.tick().last == ahead.last + 1
    assert Clock(0).follow(999 * HOUR - 5).tick().last == 999 * HOUR
    assert Clock(0).follow(999 * HOUR + 5).last == 999 * HOUR, "the future is not followed"
    assert clock.parse_time(clock.format_time(123_456_789)) == 123_456_789


def test_only_an_answer_that_shows_it_moves_the_offset() -> None:
    assert clock.estimate_offset(0, 5000, 4_000_000, 6_000_000) == 0, "a slow answer fits a right clock"
    assert clock.estimate_offset(0, 5000, 4_999_000, 5_000_000) == 0
    assert clock.estimate_offset(0, 9000, 4_000_000, 5_000_000) == 4_000_000
    assert clock.estimate_offset(4_000_000, 9000, 4_500_000, 4_600_000) == 4_400_000
    assert clock.estimate_offset(4_400_000, 9000, 4_000_000, 6_000_000) == 4_400_000
    assert clock.estimate_offset(0, 1000, 4_000_000, 5_000_000) == -2_999_000


class Wrong:
    """The clock of the device that does something now, as far as it is off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.by = 0
        right = clock.now
        monkeypatch.setattr(clock, "now", lambda: right() + self.by)


@pytest.mark.parametrize("off", [3 * HOUR, -3 * HOUR])
async def test_the_later_of_two_offline_renames_stays_whatever_the_clocks_show(
    field: ApiHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    wrong = Wrong(monkeypatch)
    for laptop_is_later in (True, False):
        number = uuid4().hex[:8]
        await backdate_edits(field)
        async with device(tmp_path, field.editor) as laptop, device(tmp_path, field.editor) as phone:
            made = await phone.create("Plan", "", UUID(field.team))
            await met(laptop, phone)
            wrong.by = off
            await laptop.sync()
            wrong.by = off - (MINUTE if laptop_is_later else 2 * MINUTE)
            await laptop.rename(made, f"By the laptop {number}")
            wrong.by = -(2 * MINUTE if laptop_is_later else MINUTE)
            await phone.rename(made, f"By the phone {number}")
            for first, second in ((laptop, phone), (phone, laptop)):
                for one in (first, second):
                    wrong.by = off if one is laptop else 0
                    await one.sync()
            wrong.by = 0
            expected, lost = ("laptop", "phone") if laptop_is_later else ("phone", "laptop")
            assert (await field.viewer.get(f"/documents/{made}")).json()["title"] == f"By the {expected} {number}"
            [told] = (await field.viewer.get(f"/documents/{made}/conflicts")).json()["items"]
            assert told["overwritten"] == {"title": f"By the {lost} {number}"}
            await met(laptop, phone)
            for one in (laptop, phone):
                assert await one.find(f"By the {expected} {number}") == made


def test_a_server_that_tells_no_time_is_sent_none(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "one.sqlite"))
    try:
        made = store.create(uuid4(), "Plan", "")

        def sent() -> list[bool]:
            operations = [one.operation for one in Outbox(store).next_operations(1000)]
            return ["edited_at" in one for one in operations if isinstance(one, dict)]

        store.set_fields(made, {"title": "before any sync"})
        store.update_clock_offset((5000, 4_000_000, 6_000_000))
        store.set_fields(made, {"title": "then"})
        store.set_tags(made, ["then"])
        assert sent() == [False, False, True, True]
        store.update_clock_offset(None)
        assert sent() == [False] * 4
    finally:
        store.close()


async def test_what_the_server_refuses_does_not_wait_to_be_sent(field: ApiHarness, tmp_path: Path) -> None:
    async with device(tmp_path, field.viewer) as laptop:
        made = await laptop.create("Not mine to make", "text", UUID(field.team))
        own = await laptop.create("Mine", "text")
        assert (await laptop.status())[1] == 4
        await laptop.sync()
        assert (await laptop.status())[1] == 0
        assert await laptop.refused() == [(made, "Not mine to make", "forbidden", 2)]
        await laptop.append(own, "more")
        assert (await laptop.status())[1] == 1
        path = str(laptop._path)
    shown = (await asyncio.to_thread(CliRunner().invoke, cli, ["--file", path, "status"])).output
    assert "1 changes to be sent, 2 refused" in shown
    assert f"{made} ! Not mine to make: forbidden (2 changes kept: collab-client retry {made})" in shown
