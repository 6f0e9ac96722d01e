"""Query parameters of lists of documents."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from collab_server.features.documents.field_types import Priority, Status
from collab_server.features.documents.kinds import Kind
from collab_server.features.documents.list_queries import Filters, Order, Sort
from collab_server.web.fields import Model


class ListQuery(Model):
    """`type` may be repeated for several kinds; `tag` is a slug, repeated: documents with all of them."""

    type: Annotated[list[Kind], Field(max_length=10)] = Field(default_factory=list)
    status: Status | None = None
    priority: Priority | None = None
    tag: Annotated[list[str], Field(max_length=20)] = Field(default_factory=list)
    category_id: UUID | None = None
    created_by: UUID | None = None
    q: Annotated[str, Field(max_length=500, description="Part of the title, case-insensitive.")] | None = None
    favourite: bool | None = None
    template: bool | None = None
    deleted: Annotated[bool, Field(description="Documents in the trash that you may restore.")] = False
    sort: Sort = "updated"
    order: Order | None = None
    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: str | None = None

    def filters(self) -> Filters:
        return Filters(
            tuple(self.type),
            self.status,
            self.priority,
            tuple(self.tag),
            self.category_id,
            self.created_by,
            self.q,
            self.favourite,
            self.template,
            self.deleted,
        )
