"""Between the payloads of KEYF, MOTN and AUDO and the values of `vqcodec.types`: the rules inside one chunk.

Parsing functions raise `Fault` with the specification's code; building functions raise it for values that the
format can't hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from vqcodec.container.faults import Fault
from vqcodec.container.structs import (
    AUDO,
    CONFIDENCE_FORM,
    KEYF,
    LAYERS_FORM_SHIFT,
    MOTN,
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
from vqcodec.types import AudioGroup, KeyFrame


@dataclass(frozen=True, slots=True)
class CodedGroup:
    """A motion group as it lies in the file, its tokens still entropy-coded.

    Attributes:
        first_frame: index of the first frame.
        ticks: (T,) int64 presentation times in ticks, strictly increasing.
        low_confidence: (T,) bool.
        payloads: one bytes object per residual layer, coarse first.
    """

    first_frame: int
    ticks: NDArray[np.int64]
    low_confidence: NDArray[np.bool_]
    payloads: tuple[bytes, ...]


def parse_key_frame(payload: bytes) -> KeyFrame:
    """Read a KEYF payload (vqt.md, "KEYF")."""
    fields = parse_struct(KEYF, payload)
    _check_still(fields.still)
    features = np.frombuffer(fields.features, dtype=">i2").astype(np.int16)
    return KeyFrame(first_frame=fields.first_frame, still=fields.still, features=features)


def build_key_frame(key_frame: KeyFrame) -> bytes:
    """Write a KEYF payload."""
    if key_frame.features.shape != (DIMS,) or key_frame.features.dtype != np.int16:
        found = f"{key_frame.features.dtype}{key_frame.features.shape}"
        raise Fault("bad-value", f"the features are {found}, not int16({DIMS},)")
    _check_still(key_frame.still)
    features = key_frame.features.astype(">i2").tobytes()
    fields = {"first_frame": key_frame.first_frame, "features": features, "still": key_frame.still}
    return build_struct(KEYF, fields)


def parse_motion(payload: bytes) -> CodedGroup:
    """Read a MOTN payload without decoding its layers (vqt.md, "MOTN")."""
    fields = parse_struct(MOTN, payload)
    ticks = list(accumulate(fields.steps, initial=fields.first_tick))
    if ticks[-1] > MAX_POSITION:
        raise Fault("bad-time", f"tick {ticks[-1]} is past {MAX_POSITION}")
    low_confidence = fields.low_confidence or [0] * fields.frame_count
    if fields.form & CONFIDENCE_FORM and not any(low_confidence):
        raise Fault("bad-value", "the low-confidence bitmap is present and empty")
    return CodedGroup(
        first_frame=fields.first_frame,
        ticks=np.array(ticks, dtype=np.int64),
        low_confidence=np.array(low_confidence, dtype=np.bool_),
        payloads=_split_layers(fields.layer_bytes, fields.payloads),
    )


def build_motion(group: CodedGroup) -> bytes:
    """Write a MOTN payload."""
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
    fields = {
        "first_frame": group.first_frame,
        "frame_count": count,
        "form": CONFIDENCE_FORM * uncertain | len(group.payloads) - 1 << LAYERS_FORM_SHIFT,
        "first_tick": ticks[0],
        "steps": [after - before for before, after in pairwise(ticks)],
        "low_confidence": group.low_confidence.tolist() if uncertain else None,
        "layer_bytes": [len(layer) for layer in group.payloads[:-1]],
        "payloads": b"".join(group.payloads),
    }
    return build_struct(MOTN, fields)


def drop_layers(group: CodedGroup, layers: int) -> CodedGroup:
    """The same group with only its first `layers` layers."""
    return replace(group, payloads=group.payloads[:layers])


def parse_audio(payload: bytes) -> AudioGroup:
    """Read an AUDO payload (vqt.md, "AUDO")."""
    fields = parse_struct(AUDO, payload)
    _check_audio(fields.packet_bytes, fields.packets)
    ends = list(accumulate(fields.packet_bytes))
    packets = tuple(
        fields.packets[end - size : end]
        for size, end in zip(fields.packet_bytes, ends, strict=True)
    )
    return AudioGroup(
        first_sample=fields.first_sample, packets=packets, end_trim_samples=fields.end_trim_samples
    )


def build_audio(group: AudioGroup) -> bytes:
    """Write an AUDO payload."""
    packets = b"".join(group.packets)
    packet_bytes = [len(packet) for packet in group.packets]
    _check_audio(packet_bytes, packets)
    fields = {
        "first_sample": group.first_sample,
        "packet_count": len(group.packets),
        "end_trim_samples": group.end_trim_samples,
        "packet_bytes": packet_bytes,
        "packets": packets,
    }
    return build_struct(AUDO, fields)


def _check_still(still: bytes) -> None:
    if not 1 <= len(still) <= MAX_STILL_BYTES:
        raise Fault("bad-value", f"the still has {len(still)} bytes, outside 1..{MAX_STILL_BYTES}")


def _split_layers(layer_bytes: list[int], payloads: bytes) -> tuple[bytes, ...]:
    ends = [0, *accumulate(layer_bytes)]
    if ends[-1] > len(payloads):
        raise Fault("bad-layout", "the payload ends inside a layer")
    if len(payloads) - ends[-1] > MAX_LAYER_BYTES:
        raise Fault(
            "bad-value",
            f"the last layer has {len(payloads) - ends[-1]} bytes, above {MAX_LAYER_BYTES}",
        )
    starts_ends = zip(ends, [*ends[1:], len(payloads)], strict=True)
    return tuple(payloads[start:end] for start, end in starts_ends)


def _check_audio(packet_bytes: list[int], packets: bytes) -> None:
    if len(packets) > MAX_GROUP_AUDIO_BYTES:
        raise Fault(
            "bad-value",
            f"the packets have {len(packets)} bytes together, above {MAX_GROUP_AUDIO_BYTES}",
        )
    if sum(packet_bytes) != len(packets):
        raise Fault(
            "bad-layout",
            f"the packets have {len(packets)} bytes, their lengths add up to {sum(packet_bytes)}",
        )
