"""A device has its time to answer, even if this process does not run for longer than that."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from fake_line import FakeStream, Firmware, Part

from tinycomp.common.errors import DeviceError
from tinycomp.device.link import PAUSE_SECONDS, Link, waking
from tinycomp.device.protocol import Device


def test_a_pause_counts_as_a_second_at_most() -> None:
    times = iter([100.0, 100.5, 100.9, 500.0, 500.25])
    clock = waking(lambda: next(times))
    assert [clock() for _ in range(4)] == pytest.approx([0.5, 0.9, 0.9 + PAUSE_SECONDS, 2.15])


class Sleeping(FakeStream):
    """A minute passes just after each of some commands."""

    def __init__(self, pauses: int, answer: Firmware) -> None:
        super().__init__(answer)
        self.pauses = pauses

    def write(self, data: bytes) -> int:
        written = super().write(data)
        if self.pauses > 0:
            self.pauses -= 1
            self.time += 60.0
        return written


@pytest.mark.parametrize("pauses", [1, 3, 10])
def test_a_computer_that_sleeps_does_not_lose_its_device(pauses: int) -> None:
    stream = Sleeping(pauses, Firmware())
    link = Link.over(stream, port="/dev/fake", clock=waking(lambda: stream.time))
    assert Device(link, startup_seconds=20).identity.model == "m"


def test_a_silent_device_is_an_error_also_then() -> None:
    def nothing(_: str) -> Iterable[Part]:
        return []

    stream = Sleeping(3, nothing)  # type: ignore[arg-type]
    link = Link.over(stream, port="/dev/fake", clock=waking(lambda: stream.time))
    with pytest.raises(DeviceError, match="is silent: waited for m-tc-sync for 20 s"):
        Device(link, startup_seconds=20)
    assert stream.time < 3 * 60 + 25
