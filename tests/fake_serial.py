"""The device end of a serial port: a thread that answers over a pseudo-terminal."""

from __future__ import annotations

import os
import select
import threading
import tty
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class FakeSerial(ABC):
    """A device behind a pseudo-terminal; programs open `port`."""

    def __init__(self) -> None:
        self._control, self._line = os.openpty()
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)
        self.received = bytearray()
        self.failure: BaseException | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @abstractmethod
    def answer(self) -> None:
        """Remove complete commands from `received`, and send replies."""

    def send(self, data: bytes) -> None:
        os.write(self._control, data)

    def _serve(self) -> None:
        readable = select.poll()  # select() refuses descriptors beyond 1023
        readable.register(self._control, select.POLLIN)
        try:
            while not self._ended.is_set():
                if readable.poll(50):
                    self.received += os.read(self._control, 65536)
                    self.answer()
        except BaseException as error:  # what fails here must fail the test
            self.failure = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        os.close(self._control)
        os.close(self._line)
        if self.failure is not None:  # also where a client failed because of it
            raise self.failure
