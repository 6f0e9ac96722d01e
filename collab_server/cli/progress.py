"""The progress of a long command, on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click


class Progress:
    """A progress bar, or lines of text. `bar`: None for lines."""

    def __init__(self, bar: Any = None) -> None:
        self._bar = bar

    def expect(self, steps: int) -> None:
        """Set the number of steps."""
        if self._bar is not None:
            self._bar.length = steps
            self._bar.render_progress()

    def tell(self, step: str) -> None:
        """Count one more step as done."""
        if self._bar is None:
            click.echo(step, err=True)
        else:
            self._bar.update(1, step[:40])


@contextmanager
def show_progress(label: str) -> Iterator[Progress]:
    """Show a bar on a terminal, and a line for each step elsewhere; both on stderr."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    with click.progressbar(
        length=0, label=label, show_pos=True, item_show_func=lambda step: step, file=sys.stderr
    ) as bar:
        yield Progress(bar)


def echo_note(text: str) -> None:
    click.echo(text, err=True)
