"""The tree of a document whose contents stay encoded, so that an edit can write them again without a change."""

from collab_server.core.yjs.contents import leading_number, skip_content
from collab_server.core.yjs.integration import Integration
from collab_server.core.yjs.lib0 import skip_any, skip_string, write_var_string, write_var_uint
from collab_server.core.yjs.structs import (
    ANY,
    DELETED,
    JSON,
    STRING,
    TYPE,
    XML_ELEMENT,
    XML_HOOK,
    Branch,
    Item,
    StructReader,
)


class _Reader(StructReader):
    """Reads ANY and JSON as lists of encoded values, and all other contents but texts and types as bytes."""

    __slots__ = ()

    def _content(self, item: Item) -> None:
        if item.kind in (ANY, JSON):
            item.length, position = leading_number(self.update, self.position)
            skip = skip_any if item.kind == ANY else skip_string
            item.content = []
            for _ in range(item.length):
                start, position = position, skip(self.update, position)
                item.content.append(self.update[start:position])
            self.position = position
        elif item.kind in (DELETED, TYPE):
            super()._content(item)
        else:
            start = self.position
            _, self.position = skip_content(self.update, start, item.kind)
            item.content = self.update[start : self.position]


def read_encoded_tree(update: bytes) -> Integration:
    """Integrate all structs and deletions of a validated update. Raises Malformed for unreadable bytes."""
    reader = _Reader(update)
    integration = Integration(reader.structs())
    integration.run()
    integration.delete(reader.deletes())
    return integration


def encode_content(item: Item) -> bytes | None:
    """The content of an item as it stands in an update, an empty one for a type. None: it was collected."""
    content = item.content
    if item.kind == STRING:
        return write_var_string(content)
    if item.kind in (ANY, JSON):
        return write_var_uint(len(content)) + b"".join(content)
    if isinstance(content, Branch):
        name = write_var_string(content.name) if content.reference in (XML_ELEMENT, XML_HOOK) else b""
        return write_var_uint(content.reference or 0) + name
    return content if isinstance(content, bytes) else None
