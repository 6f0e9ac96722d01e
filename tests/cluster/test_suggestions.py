"""Two servers: a suggestion that is accepted on both at once is made once."""

import asyncio

from tests.cluster.conftest import Cluster
from tests.peers import Peer
from tests.people import nobody
from tests.site import PLAYGROUND


async def test_a_suggestion_that_two_nodes_accept_at_once_is_one_edit(two: Cluster) -> None:
    guests = [nobody(server) for server in two.servers]
    made = (
        await guests[0].post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "Plan", "content": "end"})
    ).json()
    peers = [await Peer(server, "yws", made["id"]).sync() for server in two.servers]
    path = f"/documents/{made['id']}"
    inserted = ""
    for number in range(8):
        word = f"<{number}>"
        suggestion = await guests[0].post(
            f"{path}/suggestions", json={"edits": [{"find": "end", "replace": f"{word} end"}]}
        )
        assert suggestion.status_code == 201, suggestion.text
        accept = f"/suggestions/{suggestion.json()['id']}/accept"
        answers = await asyncio.gather(*(guest.post(accept) for guest in guests * 2))
        assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
        assert len({answer.json()["seq"] for answer in answers}) == 1
        inserted += f"{word} "
    for peer in peers:
        await peer.until(lambda peer=peer: peer.content == f"{inserted}end", "every suggestion, once")  # type: ignore[misc]
        await peer.close()


async def test_of_two_suggestions_for_one_word_two_nodes_accept_one(two: Cluster) -> None:
    guests = [nobody(server) for server in two.servers]
    made = (
        await guests[0].post(f"/workspaces/{PLAYGROUND}/documents", json={"title": "Plan", "content": "word"})
    ).json()
    path = f"/documents/{made['id']}"
    found = [
        (await guests[0].post(f"{path}/suggestions", json={"edits": [{"find": "word", "replace": new}]})).json()
        for new in ("ONE", "OTHER")
    ]
    answers = await asyncio.gather(
        *(guest.post(f"/suggestions/{one['id']}/accept") for guest, one in zip(guests, found, strict=True))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    winner = "ONE" if answers[0].status_code == 200 else "OTHER"
    assert (await guests[1].get(f"{path}/content", headers={"accept": "text/markdown"})).text == winner
