"""The third decoder, in TypeScript, against the reference decoder and the recovery, on thousands of changed streams."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.fuzz import mutator
from tests.fuzz.oracles import remember_tokens
from tests.support.spec import REFERENCE, VALID, VECTORS, reference_result, vector
from tests.support.web import decode_batch, node
from vqcodec.container import RecoveringReader
from vqcodec.container.faults import HINTS, UNSUPPORTED_HINTS
from vqcodec.container.reader import Item
from vqcodec.damage import Damage
from vqcodec.errors import BitstreamError, UnsupportedError
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup, PortraitRun

STREAMS, LONGEST_BYTES, MOST_LAYERS = 3000, 4096, 24
RECOVER_EVERY = 20
COUNTS = {
    "skippedBytes": "skipped_bytes",
    "droppedChunks": "dropped_chunks",
    "foreignChunks": "foreign_chunks",
    "groupsRead": "groups_read",
    "groupsLost": "groups_lost",
    "groupsThinned": "groups_thinned",
    "portraitsLost": "key_frames_lost",
    "portraitsUnusable": "portraits_unusable",
    "soundGroupsLost": "audio_groups_lost",
}


class Batch(NamedTuple):
    streams: list[bytes]
    answers: list[dict[str, Any]]


def _layers(name: str) -> int:
    """Layers of frames: what decoding a vector costs in plain Python."""
    expected = json.loads((VECTORS / "valid" / f"{name}.json").read_text(encoding="utf-8"))
    return int(expected["frames"] * expected["layers"])


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    node()
    seeds = [vector("valid", name) for name in VALID if _layers(name) <= MOST_LAYERS]
    seeds = [data for data in seeds if len(data) < LONGEST_BYTES // 2]
    streams = [
        mutator.mutate(seeds[number % len(seeds)], LONGEST_BYTES, number)
        for number in range(STREAMS)
    ]
    folder = tmp_path_factory.mktemp("web")
    return Batch(streams, decode_batch(streams, folder, recover_every=RECOVER_EVERY))


def test_changed_streams_are_taken_or_refused_as_by_the_reference_decoder(batch: Batch) -> None:
    """The same values, or an error at the same byte: which one, where a chunk breaks two rules, is free."""
    original = REFERENCE.decode_group
    remember_tokens(REFERENCE)
    found: Counter[str] = Counter()
    try:
        for number, (data, answer) in enumerate(zip(*batch, strict=True)):
            expected, said = reference_result(data), answer["strict"]
            if isinstance(expected, dict):
                assert said == expected, number
                found["valid"] += 1
            else:
                assert isinstance(said, list) and said[1] == expected[1], (number, said, expected)
                assert said[0] in (*HINTS, *UNSUPPORTED_HINTS), number
                found[expected[0]] += 1
                found["another code"] += said[0] != expected[0]
    finally:
        REFERENCE.decode_group = original
    assert found["valid"] > STREAMS // 8, found
    assert len(found) > 18, found
    assert found["another code"] < STREAMS // 20, found


def _shown(runs: tuple[PortraitRun, ...], frames: int) -> list[list[int | None]]:
    shown: list[list[int | None]] = []
    for run in runs or (PortraitRun(frames, 0),):
        for i in range(1, run.frames + 1):
            share = (run.weight, 16) if run.weight else (i, run.frames + 1)
            shown.append([run.portrait, run.other, *((0, 1) if run.other is None else share)])
    return shown


def _told(item: Item) -> list[Any]:
    """An item as vqcodec/web/tests/batch.ts tells it."""
    if isinstance(item, MotionGroup):
        tokens = hashlib.sha256(item.indices.astype("<u2").tobytes()).hexdigest()
        shown = _shown(item.runs, len(item.ticks))
        return ["motion", item.first_frame, item.ticks.tolist(), tokens, shown]
    if isinstance(item, AudioGroup):
        return ["sound", item.first_sample, [len(packet) for packet in item.packets]]
    number, coded = (0, item.still) if isinstance(item, KeyFrame) else (item.number, item.unit)
    return ["portrait", item.first_frame, number, item.features.tolist(), len(coded)]


def _recovered(data: bytes) -> tuple[list[Any], Damage, tuple[int, int] | None] | None:
    try:
        reader = RecoveringReader.open(io.BytesIO(data))
        items = [_told(item) for item in reader]
    except (BitstreamError, UnsupportedError):
        return None
    return items, reader.damage, reader.end


def test_changed_streams_are_recovered_as_by_the_product(batch: Batch) -> None:
    whole = 0
    for number in range(0, STREAMS, RECOVER_EVERY):
        expected, said = _recovered(batch.streams[number]), batch.answers[number]["recovered"]
        if expected is None:
            assert isinstance(said, str), number
            continue
        items, damage, end = expected
        assert said["items"] == items, number
        counts = {name: getattr(damage, own) for name, own in COUNTS.items()}
        assert {name: said["damage"][name] for name in COUNTS} == counts, number
        assert said["end"] == (end and list(end)), number
        whole += damage.complete
    assert whole > STREAMS // RECOVER_EVERY // 3


def test_a_batch_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("VQCODEC_REQUIRE_WEB", raising=False)
    with pytest.raises(pytest.skip.Exception, match="node is not installed"):
        node()
    monkeypatch.setenv("VQCODEC_REQUIRE_WEB", "1")
    with pytest.raises(pytest.fail.Exception, match="node is not installed"):
        node()
