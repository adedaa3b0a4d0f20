"""Does the tasks of a comparison one after another, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from vqcodec.comparison.coding import AnchorCoding, Told, VqtCoding
from vqcodec.comparison.measure import Gauge, Instruments
from vqcodec.comparison.reference import ReferenceClip
from vqcodec.comparison.results import VQT
from vqcodec.comparison.settings import ComparisonSettings
from vqcodec.comparison.store import Store
from vqcodec.comparison.task import Task


class Worker:
    """Does tasks one after another; keeps the networks and what is known of the last reference."""

    def __init__(self) -> None:
        self._tools = Instruments()
        self._gauge: tuple[tuple[Path, int, bool], Gauge] | None = None

    @property
    def absent(self) -> dict[str, str]:
        """Metrics that can't be measured here, with the reason."""
        return self._tools.absent

    def gauge(self, reference: ReferenceClip, settings: ComparisonSettings) -> Gauge:
        """What measures against a reference."""
        key = reference.path, settings.every, settings.tracks
        if self._gauge is None or self._gauge[0] != key:
            self._gauge = (
                key,
                Gauge(
                    self._tools,
                    reference.small(),
                    reference.frame_rate_hz,
                    every=settings.every,
                    tracks=settings.tracks,
                ),
            )
        return self._gauge[1]

    def run(self, task: Task, told: Told) -> None:
        """Do what is left of a task; `told` hears of every point."""
        store = Store(task.store, task.fingerprint)
        if store.progress.finished and (
            store.progress.matched is None or not task.settings.videos or task.video.exists()
        ):
            return
        gauge = self.gauge(task.prepared.reference, task.settings)
        coding = VqtCoding if task.codec == VQT else AnchorCoding
        coding(gauge, task, store, told).run()
        store.progress.finished = True
        store.save()

    def close(self) -> None:
        """Release the networks: MediaPipe complains when it is left to the interpreter's end."""
        self._tools.landmarker.close()
