"""Public pages as everybody gets them."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from pycrdt import XmlElement, XmlFragment, XmlText

from collab_server.adapters.postgres import Database
from collab_server.adapters.workers import Workers
from collab_server.errors import Unavailable
from collab_server.features.public_pages.articles import Articles
from collab_server.features.public_pages.page import write_cache_control
from tests.features.api_harness import PLAYGROUND, ApiHarness
from tests.features.attachments.attaching import attach, picture, processed
from tests.features.public_pages.publishing import change, check_html, open_page, publish, read, set_page, unique, write
from tests.peers import Peer
from tests.waiting import until

RICH = """# Everything

Words with $x^2$, `code`, **strong** and [a link](https://example.org "t").

- [x] done

| a | b |
|:-:|---|
| 1 | 2 |

```python
x = 1
```

```mermaid
flowchart LR
  A --> B
```

## Last

> quoted

1. one
"""


async def test_a_public_document_is_a_page_for_everybody(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, "Our Plan", content=RICH)
    assert made["page"]["slug"].startswith("our-plan-")
    answer = await read(anybody, made)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=45, stale-while-revalidate=45"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    check_html(answer.text)
    assert made["title"] in answer.text and 'href="#last"' in answer.text and "<math>" in answer.text
    assert '<meta name="robots" content="noindex">' in answer.text
    assert f'<link rel="canonical" href="{site.server.http}/p/{made["page"]["slug"]}">' in answer.text
    assert f'<meta property="og:title" content="{made["title"]}">' in answer.text
    assert " style=" not in answer.text and "<script" not in answer.text


def test_caches_ask_each_time_where_the_operator_wants_it() -> None:
    assert write_cache_control(0) == "public, no-cache"


async def test_a_page_tells_nothing_of_its_people_and_workspace(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content="text")
    page = (await read(anybody, made)).text
    for secret in (site.editor.email, site.editor.id, site.slug, site.team, ">editor<"):
        assert secret not in page


async def test_a_head_and_a_conditional_request_need_no_body(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content="text")
    path = f"/p/{made['page']['slug']}"
    whole, head = await anybody.get(path), await anybody.head(path)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", whole.headers["etag"])
    assert head.headers["content-length"] == str(len(whole.content))
    again = await anybody.get(path, headers={"if-none-match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["cache-control"] == whole.headers["cache-control"]
    assert (await anybody.post(path)).status_code == 405


async def test_every_change_of_what_is_shown_changes_the_page_at_once(
    site: ApiHarness, anybody: httpx.AsyncClient
) -> None:
    made = await publish(site, content="first words")
    tags = [(await read(anybody, made)).headers["etag"]]

    async def is_new(part: str) -> None:
        answer = await read(anybody, made)
        assert part in answer.text and answer.headers["etag"] not in tags
        tags.append(answer.headers["etag"])

    await write(site.editor, made["id"], "second words")
    await is_new("second words")
    await change(site.editor, made["id"], title="Another title")
    await is_new("<title>Another title</title>")
    await change(site.editor, made["id"], description="In short")
    await is_new('name="description" content="In short"')
    await set_page(site.editor, made["id"], indexable=True)
    await is_new("/feed.xml")
    await change(site.editor, made["id"], language="de")
    await is_new('<html lang="de">')


async def test_what_is_typed_is_on_the_page_once_it_is_committed(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site)
    peer = await Peer(site.server, "hocus", made["id"], token=site.editor.token).sync()
    for number in range(3):
        peer.insert(f"typed{number} ")
        await peer.saved()
        answers = await asyncio.gather(*(read(anybody, made) for _ in range(8)))
        assert all(f"typed{number}" in answer.text for answer in answers)
    await peer.close()


async def test_rich_text_is_a_page_too(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, "Rich")
    peer = await Peer(site.server, "yws", made["id"], token=site.editor.token, root="aside").sync()
    fragment = peer.doc.get("default", type=XmlFragment)
    fragment.children.append(XmlElement("heading", {"level": "2"}, [XmlText("A heading")]))
    fragment.children.append(XmlElement("blockquote", {}, [XmlElement("paragraph", {}, [XmlText("soft words")])]))
    await peer.saved()
    page = (await read(anybody, made)).text
    assert '<h2 id="a-heading">' in page and "<blockquote>\n<p>soft words</p>" in page
    await peer.close()


@pytest.mark.parametrize("how", ["not public", "deleted", "expired", "workspace"])
async def test_a_page_is_gone_with_what_made_it_public(site: ApiHarness, anybody: httpx.AsyncClient, how: str) -> None:
    workspace = (await site.owner.post("/workspaces", json={"name": unique("Team")})).json()["id"]
    title = unique("Gone")
    doc = await site.make(site.owner, workspace, title=title, content="words")
    made = await open_page(site.owner, doc)
    assert (await read(anybody, made)).status_code == 200
    if how == "not public":
        await change(site.owner, doc["id"], is_public=False)
    elif how == "deleted":
        assert (await site.owner.delete(f"/documents/{doc['id']}")).status_code == 204
    elif how == "workspace":
        assert (await site.owner.delete(f"/workspaces/{workspace}")).status_code == 204
    else:
        soon = datetime.now(UTC) + timedelta(seconds=1)
        await change(site.owner, doc["id"], expires_at=soon.isoformat())

    async def is_absent() -> bool:
        return (await read(anybody, made)).status_code == 404

    await (until(is_absent, "the page to expire") if how == "expired" else _hold(is_absent()))
    browser = await anybody.get(f"/p/{made['page']['slug']}", headers={"accept": "text/html"})
    assert browser.status_code == 404 and "There is no page here" in browser.text
    if how == "not public":
        await change(site.owner, doc["id"], is_public=True)
    elif how == "deleted":
        await site.owner.post(f"/documents/{doc['id']}/restore")
    else:
        return
    assert (await read(anybody, made)).status_code == 200, "the address stays"


async def _hold(answer: Any) -> None:
    assert await answer


async def test_documents_that_guests_may_edit_are_not_pages(api: ApiHarness) -> None:
    made = await api.make(api.guest, PLAYGROUND, title=unique("Guests"))
    slug = made["title"].lower().replace(" ", "-")
    async with httpx.AsyncClient(base_url=api.server.http) as anybody:
        assert (await anybody.get(f"/p/{slug}")).status_code == 404
        answer = await api.guest.put(f"/documents/{made['id']}/public-page", json={"slug": slug})
        assert answer.status_code in (200, 403)
        assert (await anybody.get(f"/p/{slug}")).status_code == 404


async def test_a_password_is_never_a_page(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await site.make(
        title=unique("Secret"), type="password", content_encrypted="c2VjcmV0", encryption={"alg": "x"}
    )
    await change(site.editor, made["id"], is_public=True)
    slug = made["title"].lower().replace(" ", "-")
    assert (await anybody.get(f"/p/{slug}")).status_code == 404
    answer = await site.editor.put(f"/documents/{made['id']}/public-page", json={"slug": slug})
    assert answer.status_code == 422
    assert (await site.editor.get(f"/documents/{made['id']}/public-page")).json()["is_public"] is False


async def test_pictures_of_a_page_are_everybodys(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site)
    file = await processed(site.editor, await attach(site.editor, made["id"], picture(), "a.png"))
    await write(site.editor, made["id"], f"![Halves]({file['url']})")
    page = (await read(anybody, made)).text
    assert f'content="{site.server.http}{file["url"]}"' in page and "thumbnail?width=320 320w" in page
    assert (await anybody.get(file["url"])).status_code == 200
    assert (await anybody.get(f"/api/v1/attachments/{file['id']}/thumbnail?width=320")).status_code == 200
    await site.editor.delete(f"/attachments/{file['id']}")
    assert "thumbnail" not in (await read(anybody, made)).text


async def test_diagrams_are_pictures_that_run_nothing(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content=RICH)
    page = (await read(anybody, made)).text
    path = page.partition('<img src="')[2].partition('"')[0]
    assert path.startswith(f"/p/{made['page']['slug']}/diagrams/")
    answer = await anybody.get(path)
    assert answer.status_code == 200 and answer.text.startswith("<svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (await anybody.get(path.replace("light", "other"))).status_code == 404
    await change(site.editor, made["id"], is_public=False)
    assert (await anybody.get(path)).status_code == 404


async def test_a_text_that_is_too_large_is_offered_as_a_file(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content="word " * 210_000)
    answer = await read(anybody, made)
    assert answer.status_code == 200 and "too large to be shown as a page" in answer.text
    check_html(answer.text)
    link = answer.text.partition('<a href="/api/')[2].partition('"')[0]
    assert (await anybody.get(f"/api/{link}")).text.startswith("word word")


async def test_a_title_cannot_leave_its_place(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    title = unique('"><script>alert(1)</script>{title}%s')
    made = await open_page(site.editor, await site.make(title=title, content='</div>"x'))
    page = (await read(anybody, made)).text
    check_html(page)
    assert "<script" not in page and "{title}%s" in page


@pytest.mark.parametrize("slug", ["nothing", "%2F", "%2E%2E", "a%00b", "%FF", "x" * 3000, "-"])
async def test_an_address_without_a_page_is_not_found(anybody: httpx.AsyncClient, slug: str) -> None:
    assert (await anybody.get(f"/p/{slug}")).status_code in (400, 404)


async def test_a_wrong_credential_does_not_hide_a_page(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content="text")
    wrong = {"authorization": "Bearer wrong", "cookie": "collab_session=wrong"}
    assert (await anybody.get(f"/p/{made['page']['slug']}", headers=wrong)).status_code == 200


async def test_a_page_is_rendered_once_for_all_processes(site: ApiHarness, anybody: httpx.AsyncClient) -> None:
    made = await publish(site, content="# Once\n\nwords")
    assert "words" in (await read(anybody, made)).text
    db, idle = Database(site.server.owner_dsn), Workers()

    async def settle(_: UUID) -> None:
        raise AssertionError("nothing is behind")

    await idle.close()  # another process, whose workers would refuse to render
    await db.open()
    try:
        articles = Articles(db, idle, settle, "")
        page = await articles.find_page(made["page"]["slug"])
        assert page is not None
        article = await articles.get_article(page)
        assert article is not None and "words" in article.body
        await change(site.editor, made["id"], title="Another")
        page = await articles.find_page(made["page"]["slug"])
        assert page is not None and page.title == "Another", "no message told this process"
        with pytest.raises(Unavailable):
            await articles.get_article(page)
    finally:
        await db.close()
