"""Pictures of people and icons of workspaces: squares without metadata, at addresses that never show another one."""

import io
from uuid import UUID

import httpx
import pytest
from PIL import Image

from tests.features.api_harness import ApiHarness, new_team, refused
from tests.features.attachments.attaching import picture
from tests.features.changes.reading import Reader
from tests.peers import Peer
from tests.people import Person, fetch, nobody, people
from tests.waiting import until

AVATAR = "/users/me/avatar"


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.headers["content-type"] == "image/webp", answer.text
    return Image.open(io.BytesIO(answer.content))


async def shown(api: ApiHarness, address: str, **params: int) -> httpx.Response:
    """What a browser without a credential gets."""
    return await nobody(api.server).get(address.removeprefix("/api/v1"), params=params)


async def set_avatar(who: Person, octets: bytes) -> str:
    answer = await who.put(AVATAR, content=octets, headers={"content-type": "image/png"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["avatar_url"])


async def test_a_picture_is_a_square_in_three_sizes_without_metadata(api: ApiHarness) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "secret place"
    address = await set_avatar(api.viewer, picture(2000, 900, "JPEG", exif=exif.tobytes()))
    for wanted, size in ((1, 48), (48, 48), (49, 128), (300, 512), (4000, 512)):
        answer = await shown(api, address, size=wanted)
        image = opened(answer)
        assert image.size == (size, size) and not image.getexif() and b"secret" not in answer.content
        # The picture is turned: its halves are above each other.
        assert image.convert("RGB").getpixel((size // 2, 3)) != image.convert("RGB").getpixel((size // 2, size - 3))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    again = await nobody(api.server).get(
        address.removeprefix("/api/v1"), params={"size": 512}, headers={"if-none-match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    own = await api.viewer.get(AVATAR, params={"size": 512})
    assert own.content == answer.content and own.headers["cache-control"] == "private, no-cache"
    assert (await api.viewer.get("/users/me")).json()["avatar_url"] == address


async def test_a_replaced_or_removed_picture_is_gone(api: ApiHarness) -> None:
    first = await set_avatar(api.editor, picture(60, 60))
    second = await set_avatar(api.editor, picture(60, 60))
    assert first != second
    assert refused(await shown(api, first)) == (404, "not_found")
    assert opened(await shown(api, second)).size == (60, 60), "a small picture is not made larger"
    assert (await shown(api, second[:-1] + "x")).status_code == 404
    assert (await api.editor.delete(AVATAR)).status_code == 204
    assert refused(await shown(api, second)) == (404, "not_found")
    assert refused(await api.editor.get(AVATAR)) == (404, "not_found")
    third = await set_avatar(api.editor, picture(61, 60))
    other = await api.editor.patch("/users/me", json={"avatar_url": "https://example.org/me.png"})
    assert other.status_code == 200 and (await shown(api, third)).status_code == 404
    rows = await fetch(api.server, "SELECT FROM pictures WHERE user_id = $1", UUID(api.editor.id))
    assert rows == []


@pytest.mark.parametrize(
    ("octets", "status", "code"),
    [
        (b"", 422, "unprocessable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 422, "unprocessable"),
        (picture()[:200], 422, "unprocessable"),
        (bytes(8_000_001), 413, "too_large"),
    ],
)
async def test_what_is_no_picture_is_refused(api: ApiHarness, octets: bytes, status: int, code: str) -> None:
    for path in (AVATAR, f"/workspaces/{api.team}/icon"):
        assert refused(await api.owner.put(path, content=octets)) == (status, code)


async def test_who_manages_a_workspace_sets_its_icon_and_members_hear_of_it(api: ApiHarness) -> None:
    team, _ = await new_team(api.server, api.staff)
    path = f"/workspaces/{team}/icon"
    reader = await Reader(api.viewer, team).begin()
    for who, status in ((api.editor, 403), (api.stranger, 404), (api.guest, 401)):
        assert (await who.put(path, content=picture())).status_code == status
    made = await api.admin.put(path, content=picture(90, 200))
    assert made.status_code == 200, made.text
    address = made.json()["icon"]
    assert opened(await shown(api, address)).size == (90, 90)
    assert (await api.viewer.get(path)).status_code == 200
    assert refused(await api.stranger.get(path)) == (404, "not_found")
    assert await reader.take(1) == [("update", "workspace", team)]
    assert reader.items[0]["changed_fields"] == ["icon"]
    assert (await api.admin.patch(f"/workspaces/{team}", json={"icon": "🌱"})).status_code == 200
    assert refused(await shown(api, address)) == (404, "not_found")
    assert (await api.admin.delete(path)).status_code == 204
    assert (await api.viewer.get(f"/workspaces/{team}")).json()["icon"] is None


async def test_members_hear_of_a_new_picture_and_see_it_in_their_list(api: ApiHarness) -> None:
    reader = await Reader(api.viewer, api.team).begin()
    address = await set_avatar(api.other, picture(70, 70))
    assert await reader.take(1) == [("update", "member", api.other.id)]
    assert reader.items[0]["changed_fields"] == ["avatar_url"]
    members = (await api.viewer.get(f"/workspaces/{api.team}/members")).json()["items"]
    assert address in [each["avatar_url"] for each in members]


async def test_pictures_are_beside_comments_suggestions_edits_and_people_who_are_there(api: ApiHarness) -> None:
    document = await api.make(content="The first text")
    path = f"/documents/{document['id']}"
    for kind, body in (
        ("comments", {"content": "Well"}),
        ("suggestions", {"edits": [{"find": "first", "replace": "second"}]}),
        ("versions", {"label": "Draft"}),
    ):
        answer = await api.editor.post(f"{path}/{kind}", json=body)
        assert answer.status_code == 201, answer.text
    peer = await Peer(api.server, "yws", document["id"], token=api.editor.token).sync()

    async def is_there() -> bool:
        return bool((await api.viewer.get(f"{path}/presence")).json()["items"])

    await until(is_there, "the presence of the editor")
    for address in (await set_avatar(api.editor, picture(72, 70)), None):
        if address is None:
            assert (await api.editor.delete(AVATAR)).status_code == 204
        for route, people_of in (
            (f"{path}/comments", lambda body: [one["author"] for one in body["items"]]),
            (f"{path}/suggestions", lambda body: [one["author"] for one in body["items"]]),
            (f"{path}/history", lambda body: [one["author"] for one in body["items"]]),
            (f"{path}/versions", lambda body: [one for version in body["items"] for one in version["authors"]]),
            (f"{path}/presence", lambda body: body["items"]),
            (path, lambda body: body["present"]),
            (
                f"/workspaces/{api.team}/presence",
                lambda body: [
                    one for busy in body["items"] if busy["document_id"] == document["id"] for one in busy["present"]
                ],
            ),
        ):
            found = people_of((await api.viewer.get(route)).json())
            assert [one["avatar_url"] for one in found] == [address], route
    await peer.close()


async def test_the_picture_of_a_deleted_account_is_gone(api: ApiHarness) -> None:
    [person] = await people(api.server, "dana")
    address = await set_avatar(person, picture(71, 70))
    await fetch(
        api.server, "UPDATE users SET avatar_url = NULL, deleted_at = now() WHERE id = $1 RETURNING id", UUID(person.id)
    )
    assert (await shown(api, address)).status_code == 404
