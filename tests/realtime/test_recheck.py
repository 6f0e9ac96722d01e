"""When everybody's rights are looked at again: never later than the setting says."""

import heapq
import random

import pytest

from collab_server.realtime.revocation import BATCH, pause

RECHECK = 60.0


@pytest.mark.parametrize("seed", range(8))
def test_nobody_waits_longer_than_the_setting_however_many_come_and_go(seed: int) -> None:
    """The sweep with a clock of its own: people join and leave while it sleeps."""
    chance = random.Random(seed)
    now = worst = 0.0
    members: list[float] = []
    looks = 0
    while now < 20 * RECHECK:
        until = now + pause(members, RECHECK, now)
        came = [chance.uniform(now, until) for _ in range(chance.choice((0, 0, 1, BATCH, 5 * BATCH)))]
        now = until
        # Of those who leave, the ones who were looked at last leave first: the others have no fewer before them.
        members = sorted(members + came)[: 12 * BATCH - chance.randrange(8 * BATCH)]
        batch = heapq.nsmallest(BATCH, members)
        worst = max([worst, *(now - checked_at for checked_at in batch)])
        members = members[len(batch) :] + [now] * len(batch)
        looks += 1
    assert worst <= RECHECK
    assert looks <= 20 * 12 * 1.2 + 20, "nor is anybody looked at much more often"


def test_one_member_is_looked_at_once_in_the_time_and_many_are_spread_over_it() -> None:
    assert 0.8 * RECHECK <= pause([], RECHECK, 5.0) <= RECHECK
    assert 0.8 * RECHECK <= pause([5.0], RECHECK, 5.0) <= RECHECK
    assert pause([5.0], RECHECK, 5.0 + RECHECK) == 0.0
    assert 0.08 * RECHECK <= pause([5.0] * 10 * BATCH, RECHECK, 5.0) <= 0.1 * RECHECK
