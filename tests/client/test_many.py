"""A client with a thousand documents."""

from pathlib import Path
from uuid import UUID, uuid4

from tests.client.devices import device, text_on_server
from tests.features.api_harness import ApiHarness
from tests.features.sync.device import push, typed, update
from tests.people import fetch, run
from tests.waiting import until

MANY = 1000
CHANGED = 200


async def test_two_hundred_of_a_thousand_changed_on_both_sides_take_three_requests(
    field: ApiHarness, tmp_path: Path
) -> None:
    ids = [str(uuid4()) for _ in range(MANY)]
    insert = "INSERT INTO documents (id, workspace_id, title, created_by) VALUES ($1, $2, $3, $4)"
    author = UUID(field.editor.id)
    await run(field.server, insert, [(UUID(one), UUID(field.team), f"Plan {n}", author) for n, one in enumerate(ids)])
    async with device(tmp_path, field.editor) as laptop:
        assert {str(one.id) for one in await laptop.documents()} >= set(ids)
        changed = ids[::5]
        assert len(changed) == CHANGED
        results = await push(field.other, *(update(one, typed(f"theirs {one}\n")) for one in changed))
        assert {one["status"] for one in results} == {"ok"}
        for one in changed:
            await laptop.append(UUID(one), f"mine {one}\n")

        async def are_folded() -> bool:
            query = "SELECT count(*) FROM document_updates WHERE document_id = ANY ($1)"
            return bool((await fetch(field.server, query, [UUID(one) for one in changed]))[0][0] == 0)

        await until(are_folded, "the server to have stored the edits", within=60)
        report = await laptop.sync()
        assert report.requests <= 3
        assert report.refused == 0
        assert (report.pushed, report.pulled) == (CHANGED, CHANGED)
        for one in changed:
            text = await laptop.content(UUID(one))
            assert sorted(text.splitlines()) == [f"mine {one}", f"theirs {one}"]
        for one in changed[::40]:
            assert await text_on_server(field.viewer, one) == await laptop.content(UUID(one))
        again = await laptop.sync()
        assert again.pushed == 0
