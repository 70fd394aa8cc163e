"""What the user reads: lines, and below them one live line where the output is a terminal.

Guarantees: a closed terminal or pipe never stops the stack.
"""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

_CLEAR = "\r\x1b[K"


class Terminal:
    """Writes to `stream`, by default standard output."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self.interactive = self._stream.isatty()
        self._live = ""

    def say(self, line: str) -> None:
        """A line that stays."""
        if self._live:
            self._write(_CLEAR)
        self._write(line + "\n")
        if self._live:
            self._write(self._live)

    def live(self, line: str) -> None:
        """The live line; an ordinary one where the output is not a terminal."""
        if not self.interactive:
            self.say(line)
            return
        self._live = line[: shutil.get_terminal_size().columns - 1]
        self._write(_CLEAR + self._live)

    def end_live(self) -> None:
        """Leave the live line as it is and go on below it."""
        if self._live:
            self._live = ""
            self._write("\n")

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody reads any more; the logs have everything
            return
