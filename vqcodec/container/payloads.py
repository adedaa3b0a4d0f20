"""Between the payloads of KEYF, MOTN and AUDO and the values of `vqcodec.types`: the rules inside one chunk.

Parsing functions raise `Fault` with the specification's code; building functions raise it for values that the
format can't hold. PORT is in `portraits.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from vqcodec.container.faults import Fault
from vqcodec.container.outlines import GroupOutline, SoundOutline
from vqcodec.container.runs import Runs, build_runs, highest, parse_runs
from vqcodec.container.structs import (
    AUDO,
    CONFIDENCE_FORM,
    KEYF,
    LAYERS_FORM_SHIFT,
    MOTN,
    MOTN_2,
    RUNS_FORM,
    build_struct,
    parse_struct,
)
from vqcodec.format import (
    DIMS,
    LAYERS,
    MAX_GROUP_AUDIO_BYTES,
    MAX_GROUP_FRAMES,
    MAX_LAYER_BYTES,
    MAX_POSITION,
    MAX_STILL_BYTES,
)
from vqcodec.late import np
from vqcodec.types import AudioGroup, KeyFrame, MotionGroup

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class CodedGroup:
    """A motion group as it lies in the file, its tokens still entropy-coded.

    Attributes:
        first_frame: index of the first frame.
        ticks: (T,) int64 presentation times in ticks, strictly increasing.
        low_confidence: (T,) bool.
        payloads: one bytes object per residual layer, coarse first.
        shot, runs: as in MotionGroup.
    """

    first_frame: int
    ticks: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    payloads: tuple[bytes, ...]
    shot: int = 0
    runs: Runs = ()

    @property
    def outline(self) -> GroupOutline:
        """What the rules between chunks need of it."""
        return GroupOutline(
            first_frame=self.first_frame,
            frames=len(self.ticks),
            first_tick=int(self.ticks[0]),
            last_tick=int(self.ticks[-1]),
            uncertain=int(np.count_nonzero(self.low_confidence)),
            layers=len(self.payloads),
            layer_bytes=sum(map(len, self.payloads)),
            shot=self.shot,
            highest_portrait=highest(self.runs),
        )

    def decoded(self, indices: NDArray[np.uint16]) -> MotionGroup:
        """The same with its tokens, (T, G, L)."""
        return MotionGroup(
            self.first_frame, self.ticks, self.low_confidence, indices, self.shot, self.runs
        )


def parse_key_frame(payload: bytes) -> KeyFrame:
    """Read a KEYF payload (vqt.md, "KEYF")."""
    fields = parse_struct(KEYF, payload)
    _check_still(len(fields.still))
    features = np.frombuffer(fields.features, dtype=">i2").astype(np.int16)
    return KeyFrame(first_frame=fields.first_frame, still=fields.still, features=features)


def build_key_frame(key_frame: KeyFrame) -> bytes:
    """Write a KEYF payload."""
    if key_frame.features.shape != (DIMS,) or key_frame.features.dtype != np.int16:
        found = f"{key_frame.features.dtype}{key_frame.features.shape}"
        raise Fault("bad-value", f"the features are {found}, not int16({DIMS},)")
    _check_still(len(key_frame.still))
    features = key_frame.features.astype(">i2").tobytes()
    fields = {"first_frame": key_frame.first_frame, "features": features, "still": key_frame.still}
    return build_struct(KEYF, fields)


def outline_key_frame(start: bytes, payload_bytes: int) -> int:
    """First frame of a KEYF payload of which only the start is at hand: all but the still."""
    fields = parse_struct(KEYF, start)
    _check_still(payload_bytes - len(start) + len(fields.still))
    return int(fields.first_frame)


def parse_motion(payload: bytes, major: int = 1) -> CodedGroup:
    """Read a MOTN payload of a major version without decoding its layers (vqt.md, "MOTN")."""
    fields = parse_struct(MOTN if major == 1 else MOTN_2, payload)
    ticks, low_confidence = _times(fields)
    ends = list(accumulate(_layer_sizes(fields.layer_bytes, len(fields.payloads)), initial=0))
    return CodedGroup(
        first_frame=fields.first_frame,
        ticks=np.array(ticks, dtype=np.int64),
        low_confidence=np.array(low_confidence, dtype=np.bool_),
        payloads=tuple(fields.payloads[start:end] for start, end in pairwise(ends)),
        shot=0 if major == 1 else fields.shot,
        runs=() if major == 1 else parse_runs(fields),
    )


def outline_motion(start: bytes, payload_bytes: int, major: int = 1) -> GroupOutline:
    """A MOTN payload of which only the start is at hand: all but the layers."""
    fields = parse_struct(MOTN if major == 1 else MOTN_2, start)
    ticks, low_confidence = _times(fields)
    sizes = _layer_sizes(fields.layer_bytes, payload_bytes - len(start) + len(fields.payloads))
    return GroupOutline(
        first_frame=fields.first_frame,
        frames=len(ticks),
        first_tick=ticks[0],
        last_tick=ticks[-1],
        uncertain=sum(low_confidence),
        layers=len(sizes),
        layer_bytes=sum(sizes),
        shot=0 if major == 1 else fields.shot,
        highest_portrait=0 if major == 1 else highest(parse_runs(fields)),
    )


def build_motion(group: CodedGroup, major: int = 1) -> bytes:
    """Write a MOTN payload of a major version."""
    count = len(group.ticks)
    if (
        group.ticks.shape != (count,)
        or group.low_confidence.shape != (count,)
        or not 1 <= count <= MAX_GROUP_FRAMES
    ):
        found = f"ticks{group.ticks.shape} and low_confidence{group.low_confidence.shape}"
        raise Fault(
            "bad-value",
            f"the group has {found}; both hold one value for each of 1..{MAX_GROUP_FRAMES} frames",
        )
    if not 1 <= len(group.payloads) <= LAYERS or max(map(len, group.payloads)) > MAX_LAYER_BYTES:
        raise Fault(
            "bad-value", f"a group has 1 to {LAYERS} layers of at most {MAX_LAYER_BYTES} bytes each"
        )
    ticks = [int(tick) for tick in group.ticks]
    uncertain = bool(group.low_confidence.any())
    if major == 1 and (group.shot or group.runs):
        raise Fault("bad-value", "major version 1 has neither shots nor runs")
    form = CONFIDENCE_FORM * uncertain | len(group.payloads) - 1 << LAYERS_FORM_SHIFT
    fields = {
        "first_frame": group.first_frame,
        "frame_count": count,
        "form": form | RUNS_FORM * bool(group.runs),
        "first_tick": ticks[0],
        "steps": [after - before for before, after in pairwise(ticks)],
        "low_confidence": group.low_confidence.tolist() if uncertain else None,
        "shot": group.shot,
        "run_count": len(group.runs),
        "runs": build_runs(group.runs, count),
        "layer_bytes": [len(layer) for layer in group.payloads[:-1]],
        "payloads": b"".join(group.payloads),
    }
    return build_struct(MOTN if major == 1 else MOTN_2, fields)


def drop_layers(group: CodedGroup, layers: int) -> CodedGroup:
    """The same group with only its first `layers` layers."""
    return replace(group, payloads=group.payloads[:layers])


def parse_audio(payload: bytes) -> AudioGroup:
    """Read an AUDO payload (vqt.md, "AUDO")."""
    fields = parse_struct(AUDO, payload)
    _check_audio(fields.packet_bytes, len(fields.packets))
    ends = list(accumulate(fields.packet_bytes))
    packets = tuple(
        fields.packets[end - size : end]
        for size, end in zip(fields.packet_bytes, ends, strict=True)
    )
    return AudioGroup(
        first_sample=fields.first_sample, packets=packets, end_trim_samples=fields.end_trim_samples
    )


def outline_audio(start: bytes, payload_bytes: int) -> SoundOutline:
    """An AUDO payload of which only the start is at hand: all but the packets."""
    fields = parse_struct(AUDO, start)
    size = payload_bytes - len(start) + len(fields.packets)
    _check_audio(fields.packet_bytes, size)
    count = len(fields.packet_bytes)
    return SoundOutline(fields.first_sample, count, size, fields.end_trim_samples)


def build_audio(group: AudioGroup) -> bytes:
    """Write an AUDO payload."""
    packets = b"".join(group.packets)
    packet_bytes = [len(packet) for packet in group.packets]
    _check_audio(packet_bytes, len(packets))
    fields = {
        "first_sample": group.first_sample,
        "packet_count": len(group.packets),
        "end_trim_samples": group.end_trim_samples,
        "packet_bytes": packet_bytes,
        "packets": packets,
    }
    return build_struct(AUDO, fields)


def _check_still(size: int) -> None:
    if not 1 <= size <= MAX_STILL_BYTES:
        raise Fault("bad-value", f"the still has {size} bytes, outside 1..{MAX_STILL_BYTES}")


def _times(fields: Any) -> tuple[list[int], list[int]]:
    """Ticks and low-confidence bits of a group's frames."""
    ticks = list(accumulate(fields.steps, initial=fields.first_tick))
    if ticks[-1] > MAX_POSITION:
        raise Fault("bad-time", f"tick {ticks[-1]} is past {MAX_POSITION}")
    low_confidence: list[int] = fields.low_confidence or [0] * fields.frame_count
    if fields.form & CONFIDENCE_FORM and not any(low_confidence):
        raise Fault("bad-value", "the low-confidence bitmap is present and empty")
    return ticks, low_confidence


def _layer_sizes(stated: list[int], size: int) -> list[int]:
    """Bytes of each layer: of all but the last as stated, of the last what is left of `size`."""
    last = size - sum(stated)
    if last < 0:
        raise Fault("bad-layout", "the payload ends inside a layer")
    if last > MAX_LAYER_BYTES:
        raise Fault("bad-value", f"the last layer has {last} bytes, above {MAX_LAYER_BYTES}")
    return [*stated, last]


def _check_audio(packet_bytes: list[int], size: int) -> None:
    if size > MAX_GROUP_AUDIO_BYTES:
        raise Fault(
            "bad-value", f"the packets have {size} bytes together, above {MAX_GROUP_AUDIO_BYTES}"
        )
    if sum(packet_bytes) != size:
        raise Fault(
            "bad-layout",
            f"the packets have {size} bytes, their lengths add up to {sum(packet_bytes)}",
        )
