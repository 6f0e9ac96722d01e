"""The list of pages, feeds, the sitemap and robots.txt: what is indexable, and nothing else."""

import re
from uuid import UUID
from xml.etree.ElementTree import Element, fromstring

import httpx

from collab_server.features.public_pages.page import PAGE_SIZE
from tests.features.api_harness import ApiHarness, new_team
from tests.features.public_pages.publishing import change, check_html, publish, set_page
from tests.people import fetch, run


def parse(text: str) -> Element:
    return fromstring(text)  # noqa: S314 - from our own server


async def addresses(anybody: httpx.AsyncClient) -> set[str]:
    answer = await anybody.get("/sitemap.xml")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/xml")
    return {found.text or "" for found in parse(answer.text).iter() if found.tag.endswith("loc")}


async def test_only_indexable_pages_are_listed(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    _, slug = await new_team(site.server, site.staff)
    team = await fetch_id(site, slug)
    shown, hidden = [
        await publish(site, name, site.owner, workspace=team, content=f"# {name}\n\nThe **first** words.")
        for name in ("Shown & told", "Hidden")
    ]
    path = f"/w/{slug}/feed.xml"
    assert (await anybody.get(path)).status_code == 404, "a workspace without indexable pages is not told of"
    await set_page(site.owner, shown["id"], indexable=True)
    url = f"{site.server.http}/p/{shown['page']['slug']}"
    listed = await addresses(anybody)
    assert url in listed and not any(hidden["page"]["slug"] in each for each in listed)
    answer = await anybody.get(path)
    assert answer.headers["content-type"] == "application/rss+xml; charset=utf-8"
    channel = parse(answer.text)[0]
    (item,) = channel.findall("item")
    assert (channel.findtext("title"), item.findtext("title")) == ("Team", shown["title"])
    assert (item.findtext("link"), item.findtext("guid")) == (url, f"urn:uuid:{shown['id']}")
    assert "The first words." in (item.findtext("description") or "")
    assert site.owner.name not in answer.text and site.owner.id not in answer.text
    page = await anybody.get(url)
    assert "x-robots-tag" not in page.headers and "noindex" not in page.text and path in page.text
    again = await anybody.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    await change(site.owner, shown["id"], is_public=False)
    assert url not in await addresses(anybody)
    assert (await anybody.get(path)).status_code == 404


async def fetch_id(site: ApiHarness, slug: str) -> str:
    items = (await site.owner.get("/workspaces", params={"limit": 100})).json()["items"]
    found: str = next(each["id"] for each in items if each["slug"] == slug)
    return found


async def test_a_feed_is_readable_whatever_titles_say(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, '<b> & ]]> "quoted"', content="\x0b\x01 <i>text</i>")
    await set_page(site.editor, made["id"], indexable=True)
    feed = parse((await anybody.get(f"/w/{site.slug}/feed.xml")).text)
    assert made["title"] in [found.text for found in feed.iter("title")]


async def test_the_index_has_the_indexable_pages_in_parts(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    hidden = await publish(site, "Hidden", content="Nothing to list")
    made = await publish(site, "<i>One</i>", content="The **first** words.")
    await set_page(site.editor, made["id"], indexable=True)
    add = """
        INSERT INTO documents (workspace_id, title, content, is_public, published_at)
        SELECT $1, 'Page ' || number, 'Words', true, now() FROM generate_series(1, $2) number
    """
    await run(site.server, add, [(UUID(site.team), PAGE_SIZE)])
    change_all = """
        UPDATE public_pages SET indexable = $1 WHERE document_id IN (
          SELECT id FROM documents WHERE workspace_id = $2 AND title LIKE 'Page %')
    """
    await run(site.server, change_all, [(True, UUID(site.team))])
    seen: list[str] = []
    path: str | None = "/p/"
    while path:
        answer = await anybody.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=45, stale-while-revalidate=45"
        assert (await anybody.get(path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304
        check_html(answer.text)
        found = re.findall(r'href="(/p/[^"]+)"', answer.text)
        seen += [each for each in found if "?" not in each]
        path = next((each for each in found if "?cursor=" in each), None)
        if made["page"]["slug"] in answer.text:
            assert "&lt;i&gt;One&lt;/i&gt;" in answer.text
            assert "The first words." in answer.text
    assert len(set(seen)) == len(seen) > PAGE_SIZE
    assert f"/p/{made['page']['slug']}" in seen
    assert f"/p/{hidden['page']['slug']}" not in seen
    assert (await anybody.get("/p/?cursor=nonsense")).status_code == 400
    await run(site.server, change_all, [(False, UUID(site.team))])
    query = "UPDATE public_pages SET indexable = false WHERE indexable RETURNING document_id"
    rest = [(row["document_id"],) for row in await fetch(site.server, query)]
    try:
        assert (await anybody.get("/p/")).status_code == 404, "where no page is to be listed, there is no list"
    finally:
        await run(site.server, "UPDATE public_pages SET indexable = true WHERE document_id = $1", rest)


async def test_programs_are_told_what_they_may_read(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    lines = (await anybody.get("/robots.txt")).text.splitlines()
    assert "Disallow: /" in lines and "Allow: /p/" in lines
    assert f"Sitemap: {site.server.http}/sitemap.xml" in lines
