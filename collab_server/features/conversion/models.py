"""JSON shapes of conversions."""

from typing import Literal

from collab_server.features.users.models import input_config, output_config
from collab_server.web.fields import Model


class ConversionIn(Model):
    """`to`: the kind of text that is wanted: nodes for editors of rich text, or the source of Markdown."""

    model_config = input_config(to="rich_text")

    to: Literal["rich_text", "markdown"]


class ConvertedOut(Model):
    """`seq`: the document's last row. `version`: the version with the document before; null for one that was empty."""

    model_config = output_config(generation=1, seq=4800, kind="rich_text", version=4)

    generation: int
    seq: int
    kind: Literal["rich_text", "markdown"]
    version: int | None
