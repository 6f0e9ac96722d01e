"""The address and the settings of a page, over REST."""

import asyncio

import httpx
import pytest

from tests.features.api_harness import ApiHarness, refused
from tests.features.changes.reading import begin
from tests.features.public_pages.publishing import change, get_settings, open_page, publish, set_page, unique
from tests.people import fetch


async def test_a_document_has_no_address_until_it_is_public(site: ApiHarness) -> None:
    made = await site.make(title=unique("Quiet"))
    page = await get_settings(site.viewer, made["id"])
    assert page == {
        "document_id": made["id"],
        "is_public": False,
        "slug": None,
        "url": None,
        "indexable": False,
        "live": False,
        "published_at": None,
        "row_version": 0,
    }
    await change(site.editor, made["id"], is_public=True)
    page = await get_settings(site.viewer, made["id"])
    assert page["slug"] == made["title"].lower().replace(" ", "-") and page["published_at"]
    assert page["url"] == f"{site.server.http}/p/{page['slug']}"


async def test_equal_titles_have_different_addresses(site: ApiHarness) -> None:
    title = unique("Twins")
    made = await asyncio.gather(*(site.make(title=title) for _ in range(12)))
    slugs = [each["page"]["slug"] for each in await asyncio.gather(*(open_page(site.editor, each) for each in made))]
    base = title.lower().replace(" ", "-")
    assert len(set(slugs)) == 12 and all(slug.startswith(base) for slug in slugs)
    assert base in slugs and f"{base}-2" in slugs


@pytest.mark.parametrize(("title", "slug"), [("!!!", "x-"), ("日本語 の 計画", ""), ("a" * 300, "a" * 80)])
async def test_every_title_gives_an_address(
    site: ApiHarness, anybody: httpx.AsyncClient, title: str, slug: str
) -> None:
    page = (await open_page(site.editor, await site.make(title=title)))["page"]
    assert page["slug"].startswith(slug)
    assert (await anybody.get(page["url"])).status_code == 200


async def test_the_address_stays_when_the_title_changes(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site)
    await change(site.editor, made["id"], title="Quite another one")
    assert (await get_settings(site.editor, made["id"]))["slug"] == made["page"]["slug"]


async def test_a_former_address_redirects_and_is_nobody_elses(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made, other = await publish(site), await publish(site, who=site.other)
    first, second = made["page"]["slug"], f"new-{made['page']['slug']}"
    page = await set_page(site.editor, made["id"], slug=second.upper())
    assert page["slug"] == second
    answer = await anybody.get(f"/p/{first}")
    assert (answer.status_code, answer.headers["location"]) == (301, f"/p/{second}")
    for taken in (first, second):
        refusal = await site.other.put(f"/documents/{other['id']}/public-page", json={"slug": taken})
        assert refused(refusal) == (409, "conflict")
    assert (await get_settings(site.other, other["id"]))["slug"] == other["page"]["slug"]
    assert (await set_page(site.editor, made["id"], slug=first))["slug"] == first
    assert (await anybody.get(f"/p/{first}")).status_code == 200
    assert (await anybody.get(f"/p/{second}")).status_code == 301
    await change(site.editor, made["id"], is_public=False)
    assert [(await anybody.get(f"/p/{slug}")).status_code for slug in (first, second)] == [404, 404]


async def test_an_address_that_was_never_public_is_free_again(site: ApiHarness) -> None:
    made, other = await site.make(), await site.make(site.other)
    first, second = unique("draft").replace(" ", "-"), unique("draft").replace(" ", "-")
    await set_page(site.editor, made["id"], slug=first)
    await set_page(site.editor, made["id"], slug=second)
    assert (await set_page(site.other, other["id"], slug=first))["slug"] == first


async def test_only_the_last_former_addresses_are_kept(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site)
    base = unique("many").replace(" ", "-")
    for number in range(22):
        await set_page(site.editor, made["id"], slug=f"{base}-{number}")
    assert (await anybody.get(f"/p/{made['page']['slug']}")).status_code == 404
    assert (await anybody.get(f"/p/{base}-{1}")).status_code == 301


@pytest.mark.parametrize("slug", ["", "a b", "a/b", "-a", "a-", "a--b", "a_b", "ä?", "x" * 101, "a\nb", 7])
async def test_an_address_has_letters_digits_and_single_hyphens(site: ApiHarness, slug: object) -> None:
    made = await site.make()
    answer = await site.editor.put(f"/documents/{made['id']}/public-page", json={"slug": slug})
    assert refused(answer) == (422, "invalid")


async def test_letters_of_all_scripts_are_letters(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site)
    page = await set_page(site.editor, made["id"], slug=unique("Größe-計画").replace(" ", "-"))
    assert page["url"].isascii()
    assert (await anybody.get(page["url"])).status_code == 200


async def test_fields_that_are_absent_stay(site: ApiHarness) -> None:
    made = await publish(site)
    await set_page(site.editor, made["id"], indexable=True)
    await set_page(site.editor, made["id"], live=True)
    page = await set_page(site.editor, made["id"], slug=None)
    assert (page["indexable"], page["live"], page["slug"]) == (True, True, made["page"]["slug"])
    assert refused(await site.editor.put(f"/documents/{made['id']}/public-page", json={"is_public": True})) == (
        422,
        "invalid",
    )


async def test_only_who_may_publish_sets_up_a_page(site: ApiHarness) -> None:
    made = await publish(site)
    path, body = f"/documents/{made['id']}/public-page", {"indexable": True}
    for person in (site.viewer, site.commenter, site.other):
        assert refused(await person.put(path, json=body)) == (403, "forbidden")
    assert refused(await site.stranger.put(path, json=body)) == (403, "forbidden")
    assert refused(await site.guest.put(path, json=body)) == (401, "unauthenticated")
    assert (await site.stranger.get(path)).json()["slug"] == made["page"]["slug"]
    reading = await site.editor.with_scope("read")
    assert refused(await reading.put(path, json=body)) == (403, "forbidden")
    hidden = await site.make()
    assert refused(await site.stranger.get(f"/documents/{hidden['id']}/public-page")) == (404, "not_found")
    assert (await get_settings(site.editor, made["id"]))["indexable"] is False
    assert (await site.admin.put(path, json=body)).json()["indexable"] is True


async def test_a_page_is_changed_at_the_version_that_was_read(site: ApiHarness) -> None:
    made = await publish(site)
    path = f"/documents/{made['id']}/public-page"
    version = made["page"]["row_version"]
    answer = await site.editor.put(path, json={"live": True}, headers={"if-match": f'"r{version}"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, f'"r{version + 1}"')
    answer = await site.editor.put(path, json={"live": False}, headers={"if-match": f'"r{version}"'})
    assert refused(answer) == (412, "precondition_failed")
    read = await site.editor.get(path)
    assert read.json()["live"] is True
    same = await site.editor.get(path, headers={"if-none-match": read.headers["etag"]})
    assert same.status_code == 304


async def test_readers_learn_of_a_change_and_the_audit_names_it(site: ApiHarness) -> None:
    made = await publish(site)
    reader = await begin(site.viewer, site.team)
    await set_page(site.editor, made["id"], indexable=True)
    assert await reader.take(1) == [("update", "document", made["id"])]
    assert reader.items[0]["changed_fields"] == ["public_page"]
    rows = await fetch(
        site.server,
        f"SELECT data::text AS data FROM activity_log WHERE entity_id = '{made['id']}' ORDER BY id DESC LIMIT 1",
    )
    assert '"page_indexable"' in rows[0]["data"]
