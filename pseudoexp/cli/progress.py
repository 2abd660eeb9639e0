"""Progress on stderr: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

LOG_SECONDS = 10.0


class Progress:
    """Shows how far a task is, with rate and time left.

    Parameters
    ----------
    unit : str
        What is counted.
    quiet : bool, optional
        Show nothing.
    units : mapping, optional
        Stages that count something else.
    """

    def __init__(self, unit: str, quiet: bool = False, units: Mapping[str, str] | None = None) -> None:
        self.unit = unit
        self.units = units or {}
        self.quiet = quiet
        self._bar: RichProgress | None = None
        self._stage = ""
        self._notice = ""
        self._start = (0.0, 0)
        self._shown = 0.0

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done in a stage; the rate counts from the stage's first call.

        With a `total` of 0 `stage` is a line for the user, shown once; the rate counts from its end.
        """
        if self.quiet:
            return
        now = time.monotonic()
        if total == 0:
            self._start = (now, self._start[1])
            self._tell(stage)
            return
        if stage != self._stage:
            self._stage, self._start, self._shown = stage, (now, done), now
            if sys.stderr.isatty():
                self._open_bar(stage, total)
        unit = self.units.get(stage, self.unit)
        rate = (done - self._start[1]) / max(now - self._start[0], 1e-9)
        if self._bar is not None:
            task = self._bar.task_ids[-1]
            self._bar.update(task, completed=done, total=total, rate=f"{rate:.1f} {unit}/s",
                             left=_left(done, total, rate))
        elif now - self._shown > LOG_SECONDS:
            self._shown = now
            sys.stderr.write(f"{stage}: {done}/{total} {unit} ({done / total:.0%}), {rate:.1f} {unit}/s, "
                             f"{_left(done, total, rate)} left\n")
            sys.stderr.flush()

    def _tell(self, line: str) -> None:
        if line == self._notice:
            return
        self._notice = line
        if self._bar is not None:
            self._bar.console.print(line)
        else:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    def _open_bar(self, stage: str, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                       TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("{task.fields[left]} left"))
            self._bar = RichProgress(*columns, console=Console(stderr=True))
            self._bar.start()
        self._bar.add_task(stage, total=total, rate="", left="?")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()


def _left(done: int, total: int, rate: float) -> str:
    if rate <= 0:
        return "?"
    minutes, seconds = divmod(int((total - done) / rate), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
