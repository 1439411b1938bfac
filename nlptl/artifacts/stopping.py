"""Signals become flags that the training loop looks at between two steps."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


@dataclass
class Stop:
    """What was asked for since the run began: to `stop` (by which signal), or to `save` and go on."""

    stop: signal.Signals | None = None
    save: bool = False

    @property
    def requested(self) -> bool:
        """Say whether the run shall write a checkpoint and end."""
        return self.stop is not None

    def take_save(self) -> bool:
        """Say whether a checkpoint was asked for since the last time this was called."""
        asked, self.save = self.save, False
        return asked

    def leave(self) -> NoReturn:
        """End the process as one that this signal stopped."""
        raise SystemExit(self.exit_code())

    def exit_code(self) -> int:
        """Give what a process that was stopped by this signal returns: 130 for SIGINT, 143 for SIGTERM, else 0."""
        return 0 if self.stop is None else 128 + self.stop


@contextmanager
def signals() -> Iterator[Stop]:
    """Turn SIGTERM and SIGINT into `stop`, SIGUSR1 into `save`; a second SIGINT raises KeyboardInterrupt at once.

    Outside the main thread Python allows no handler, and the flags stay as they are.
    """
    asked = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    owner = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() != owner:
            _in_child(number)
        elif number == signal.SIGUSR1:
            asked.save = True
        elif number == signal.SIGINT and asked.stop == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            asked.stop = signal.Signals(number)

    before = {number: signal.signal(number, handle) for number in _WATCHED}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _in_child(number: int) -> None:
    """Act in a forked worker, which inherits the handler: its parent ends it by SIGTERM and answers Ctrl-C for it."""
    if number == signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
