"""A search asks as many languages as PostgreSQL knows and the caller's workspaces have, whatever documents claim."""

from collections.abc import AsyncIterator

import pytest

from collab_server.features.documents.languages import CONFIGURATIONS, find_configuration
from tests.site import PLAYGROUND, Site, open_site

ASKED = "SELECT language FROM app.search_queries('harbour', NULL) ORDER BY 1"
MANY = """
INSERT INTO documents (workspace_id, title, language)
SELECT $1, 'harbour', 'made_up_' || n FROM generate_series(1, 200) n
"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site("18") as opened:
        yield opened


async def asked(site: Site, who: str) -> list[str]:
    async with site.owner.transaction():
        await site.owner.execute("SELECT set_config('app.current_user_id', $1, true)", str(site.people[who]))
        return [row[0] for row in await site.owner.fetch(ASKED)]


async def index(site: Site) -> None:
    while await site.value("server", "SELECT app.refresh_search(1000)"):
        pass


async def test_made_up_languages_do_not_multiply_the_work_of_a_search(site: Site) -> None:
    await site.run("server", MANY, site.team)
    await site.run("server", "UPDATE documents SET language = 'german' WHERE id = $1", site.plan)
    await index(site)
    assert await asked(site, "ann") == ["german", "simple"]
    find = "SELECT count(*) FROM app.search_documents('harbour', NULL, NULL, NULL, NULL, 500, NULL, NULL)"
    assert await site.value("vic", find) == 200


async def test_languages_of_workspaces_that_one_may_not_see_are_not_asked(site: Site) -> None:
    await index(site)
    insert = "INSERT INTO documents (workspace_id, title, language) SELECT $1, 'harbour', unnest($2::text[])"
    await site.run("server", insert, PLAYGROUND, ["french", "finnish", "dutch"])
    await index(site)
    assert await asked(site, "ann") == ["english"]
    assert await asked(site, "eve") == []


async def test_languages_that_were_indexed_before_are_bounded_too(site: Site) -> None:
    await site.run("server", MANY, site.team)
    await index(site)
    await site.run(
        "server", "UPDATE document_search s SET language = d.language FROM documents d WHERE d.id = document_id"
    )
    assert len(await asked(site, "ann")) == 40


async def test_every_configuration_that_is_accepted_is_postgresqls() -> None:
    for version, absent in (("18", set()), ("15", {"estonian"})):
        async with open_site(version) as site:  # type: ignore[arg-type]
            known = {row[0] for row in await site.owner.fetch("SELECT cfgname::text FROM pg_ts_config")}
        assert {*CONFIGURATIONS, "simple"} - known == absent
        assert known <= {*CONFIGURATIONS, "simple"}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("english", "english"),
        ("German", "german"),
        ("en", "english"),
        ("en-GB", "english"),
        ("pt_BR", "portuguese"),
        ("nb", "norwegian"),
        ("zh-Hant-TW", "simple"),
        ("ja", "simple"),
        ("simple", "simple"),
    ],
)
def test_names_and_tags_become_configurations(given: str, stored: str) -> None:
    assert find_configuration(given) == stored


@pytest.mark.parametrize(
    "given", ["", "klingon", "made_up_1", "en-", "en-GB-toolongtoolong", "xx", "english-GB", "en GB"]
)
def test_an_unknown_language_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="unknown language"):
        find_configuration(given)
