"""Write the tables of the reference that come from the code: `python -m docs.tables`.

`tests/test_docs.py` fails where a page and the code differ.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings

from collab_server import errors
from collab_server.settings import PREFIX, Settings

REFERENCE = Path(__file__).resolve().parent / "reference"
BEGIN = "<!-- begin table -->\n"
END = "<!-- end table -->\n"


def settings_table() -> str:
    """Every setting with its default and its description, in one table for each group."""
    groups = [base for base in reversed(Settings.__bases__) if issubclass(base, BaseModel) and base is not BaseSettings]
    return "\n".join(f"## {group.__name__.removesuffix('Settings')}\n\n{_settings_of(group)}" for group in groups)


def _settings_of(group: type[BaseModel]) -> str:
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in group.model_fields.items():
        value = field.get_default(call_default_factory=True)
        default = "the user data folder of the platform" if name == "data_dir" else _shown(value)
        description = str(field.description).replace("|", "\\|").replace("<", "\\<")
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {description} |")
    return "\n".join(rows) + "\n"


def _shown(default: Any) -> str:
    value = default.get_secret_value() if isinstance(default, SecretStr) else default
    if value in ("", None, (), []):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def error_table() -> str:
    """Every error code with its HTTP status, its close code and its title."""
    rows = ["| code | HTTP | close | title |", "| --- | --- | --- | --- |"]
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CollabError)]
    for kind in sorted(kinds, key=lambda kind: (kind.status, kind.code)):
        if kind is not errors.CollabError:
            rows.append(f"| `{kind.code}` | {kind.status} | {kind.close_code} | {kind.title} |")
    return "\n".join(rows) + "\n"


TABLES = {"settings.md": settings_table, "errors.md": error_table}


def table_of(page: str) -> str:
    """The table that stands between the two marks of a page."""
    return page.partition(BEGIN)[2].partition(END)[0].strip() + "\n"


def main() -> None:
    for name, table in TABLES.items():
        path = REFERENCE / name
        before, _, rest = path.read_text().partition(BEGIN)
        path.write_text(f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
