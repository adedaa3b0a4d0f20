"""Workers on many machines: Ray Data's map_batches over actors, each with its own models.

What Ray restarts, a lost actor or machine, it does again with the tasks that were under way: each is a block of its own, so that
nothing that was done is done twice.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from vqcodec.batch.ledger import Entry
from vqcodec.batch.tasks import Task
from vqcodec.batch.work import Worker
from vqcodec.config import RuntimeOptions
from vqcodec.runtime.extras import check_extra
from vqcodec.runtime.native_log import printed_aside

WAVE = 2_000
"""Tasks given to Ray at once: its own books grow with their number."""
_CORES_A_JOB = 2
_USAGE, _OFF = "RAY_USAGE_STATS_ENABLED", "0"


class _Actor:
    """A worker as Ray Data calls it: batches of columns in, batches of columns out."""

    def __init__(self, runtime: RuntimeOptions) -> None:
        from vqcodec.runtime.allocator import tune_allocator

        tune_allocator()
        self._worker = Worker(runtime)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Columns task and attempt, a row a task -> column entry, JSON."""
        rows = zip(batch["task"], batch["attempt"], strict=True)
        tasks = [(Task.from_json(json.loads(str(text))), int(attempt)) for text, attempt in rows]
        return {"entry": [json.dumps(asdict(self._worker(*each))) for each in tasks]}


def entries(
    tasks: Sequence[Task],
    attempt: int,
    *,
    address: str,
    jobs: int | None,
    runtime: RuntimeOptions,
) -> Iterator[Entry]:
    """Do tasks on a cluster; their entries come as they end.

    Args:
        tasks: what to do; inputs and outputs where every machine finds them.
        attempt: which try this is.
        address: of the cluster, as Ray writes it; "local" starts one on this machine.
        jobs: actors; None takes one for two cores of the cluster.
        runtime: of their Codec.

    Raises:
        MissingExtraError: Ray isn't installed.
    """
    check_extra("cluster", "a batch on a cluster")
    os.environ.setdefault(_USAGE, _OFF)  # it would report home
    import ray

    started = not ray.is_initialized()
    # what Ray has to say of lost workers it prints, and a report may be on its way there
    with printed_aside():
        if started:
            ray.init(
                None if address == "local" else address,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        try:
            yield from _waves(tasks, attempt, jobs, runtime)
        finally:
            if started:
                ray.shutdown()


def _waves(
    tasks: Sequence[Task], attempt: int, jobs: int | None, runtime: RuntimeOptions
) -> Iterator[Entry]:
    import ray

    known: Any = ray  # half of it has no types
    cores = max(1, int(known.cluster_resources().get("CPU", 1)))
    actors = jobs or max(1, cores // _CORES_A_JOB)
    cores_a_job = max(1, min(_CORES_A_JOB, cores // actors))
    waiting = iter(tasks)
    while wave := list(islice(waiting, WAVE)):
        yield from _wave(wave, attempt, actors, runtime, cores_a_job)


def _wave(
    tasks: Sequence[Task], attempt: int, jobs: int, runtime: RuntimeOptions, cores_a_job: int
) -> Iterator[Entry]:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    rows = [{"task": json.dumps(task.to_json()), "attempt": attempt} for task in tasks]
    done = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        _Actor,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(jobs, len(rows))),
        num_cpus=cores_a_job,
        fn_constructor_args=(runtime,),
    )
    for row in done.iter_rows():
        yield Entry(**json.loads(str(row["entry"])))
