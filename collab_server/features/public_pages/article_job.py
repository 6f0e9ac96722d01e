"""The call that renders an article in a worker process."""

from collections.abc import Mapping

from collab_server.features.public_pages.article import Picture


def render_json(markdown: str, title: str, pictures: Mapping[str, Picture], own: str = "") -> str:
    """Like `article_writer.render`, as JSON."""
    # Imported here, because the server process does not need the libraries for code, formulas and diagrams.
    from collab_server.features.public_pages import article_writer

    return article_writer.render(markdown, title, pictures, own).to_json()
