"""The text of a mail about notifications. Titles, names and excerpts are those that the reader may see at this time."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from uuid import UUID

from collab_server.features.notifications.models import NotificationOut

MOST_ENTRIES = 50
"""Entries of one mail. The rest is a number and a link to the server."""


@dataclass(frozen=True, slots=True)
class Letter:
    """`topic`: of what all entries are, to keep mails about it together: a thread's or a document's id."""

    subject: str
    text: str
    html: str
    topic: str | None


def compose(entries: Sequence[NotificationOut], base_url: str, unsubscribe_url: str) -> Letter:
    """Write a mail about these notifications, the oldest first. `base_url`: without a slash at the end."""
    shown = list(reversed(entries))[:MOST_ENTRIES]
    rest = len(entries) - len(shown)
    lines: list[str] = []
    items: list[str] = []
    for entry in shown:
        told, link = sentence(entry), base_url + entry.url
        excerpt = entry.comment.excerpt if entry.comment is not None else ""
        answer = "Reply" if entry.comment is not None else "Open"
        lines += [f"{told}.", *([f"  {excerpt}"] if excerpt else []), f"  {answer}: {link}", ""]
        quoted = f"<blockquote>{escape(excerpt)}</blockquote>" if excerpt else "<br>"
        items.append(f'<li>{escape(told)}.{quoted}<a href="{escape(link)}">{answer}</a></li>')
    if rest > 0:
        lines += [f"And {rest} more: {base_url}/", ""]
        items.append(f'<li>And <a href="{escape(base_url)}/">{rest} more</a></li>')
    reason = f"You get this mail because you have an account at {base_url}."
    lines += ["-- ", reason, f"Turn off mails of notifications: {unsubscribe_url}", ""]
    footer = f'<p>{escape(reason)} <a href="{escape(unsubscribe_url)}">Turn off mails of notifications</a></p>'
    html = f"<!doctype html><html><body><ul>{''.join(items)}</ul>{footer}</body></html>\n"
    return Letter(_subject(entries), "\n".join(lines), html, _topic(entries))


def sentence(entry: NotificationOut) -> str:
    """What happened, without a full stop."""
    who = _names([actor.name for actor in entry.actors])
    title = f"“{entry.document.title}”" if entry.document is not None else "a document"
    place = f"“{entry.workspace.name}”" if entry.workspace.name is not None else "a workspace"
    match entry.kind:
        case "mention":
            return f"{who} mentioned you in {title}"
        case "reply":
            return f"{who} replied to you in {title}"
        case "comment":
            return f"{who} commented on {title}"
        case "reaction":
            return f"{who} reacted to your comment in {title}"
        case "resolved":
            return f"{who} resolved a thread in {title}"
        case "document_changed":
            return f"{who} changed {title}"
        case "membership":
            return f"{who} added you to {place} as {entry.role}"
        case "role":
            return f"{who} changed your role in {place} to {entry.role}"
        case "invitation":
            return f"{who} invited you to {place}"
        case "share":
            return f"{who} shared {title} with you"
        case "access_request":
            return f"{who} asks for access to {title}"
        case "storage":
            return f"Files and documents of {place} take more than 80 % of its storage"


def _names(names: Sequence[str]) -> str:
    if not names:
        return "Somebody"
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} others"


def _subject(entries: Sequence[NotificationOut]) -> str:
    if len(entries) == 1:
        return sentence(entries[0])
    documents = {entry.document.id: entry.document.title for entry in entries if entry.document is not None}
    if len(documents) == 1 and all(entry.document is not None for entry in entries):
        return f"{len(entries)} notifications about “{next(iter(documents.values()))}”"
    return f"{len(entries)} notifications"


def _topic(entries: Sequence[NotificationOut]) -> str | None:
    threads = {entry.comment.thread_id if entry.comment is not None else None for entry in entries}
    documents: set[UUID | None] = {entry.document.id if entry.document is not None else None for entry in entries}
    for kind, found in (("thread", threads), ("document", documents)):
        if len(found) == 1 and None not in found:
            return f"{kind}.{next(iter(found))}"
    return None
