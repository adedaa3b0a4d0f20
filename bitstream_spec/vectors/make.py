"""Makes the conformance vectors, and the worked example of vqt.md: python bitstream_spec/vectors/make.py

Streams come from formulas and seeds, so that the same program makes the same bytes on every machine. New recipes become
new files. What SHA256SUMS lists is frozen: nothing is written when a recipe or a decoder would change or remove it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import struct
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SUMS = HERE / "SHA256SUMS"
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE), str(HERE.parent)]

import example  # noqa: E402
from at_limits import INVALID_LIMITS, VALID_LIMITS  # noqa: E402
from group_counts import INVALID_GROUPS, VALID_GROUPS  # noqa: E402
from invalid_portraits import INVALID_2  # noqa: E402
from invalid_streams import INVALID as INVALID_1  # noqa: E402
from invalid_streams import VERSION_1_ONLY  # noqa: E402
from model_corners import INVALID_CORNERS, VALID_CORNERS  # noqa: E402
from portrait_limits import INVALID_LIMITS_2, VALID_LIMITS_2  # noqa: E402
from scenes import VALID_SCENES  # noqa: E402
from valid_portraits import VALID_2  # noqa: E402
from valid_streams import VALID as VALID_1  # noqa: E402

from vqcodec.container import CodedGroup, Reader  # noqa: E402
from vqcodec.entropy.codec import final_states  # noqa: E402
from vqcodec.errors import VqcodecError  # noqa: E402
from vqcodec.format import SHARE_PARTS  # noqa: E402
from vqcodec.types import (  # noqa: E402
    AudioGroup,
    Head,
    KeyFrame,
    ModelId,
    MotionGroup,
    PortraitRun,
    PortraitUnit,
)

VALID = (
    VALID_1 | VALID_2 | VALID_GROUPS | VALID_LIMITS | VALID_LIMITS_2 | VALID_CORNERS | VALID_SCENES
)
INVALID = (
    INVALID_1 | INVALID_2 | INVALID_GROUPS | INVALID_LIMITS | INVALID_LIMITS_2 | INVALID_CORNERS
)


def describe(data: bytes) -> dict[str, Any]:
    """The JSON of conformance.md, "Level A", for a whole stream.

    Raises:
        VqcodecError: the stream is not valid.
    """
    reader = Reader(io.BytesIO(data))
    tally = _Tally(reader.head.version[0])
    for item in reader:
        tally.add(item)
    reader.check_nothing_follows()
    sizes = reader.sizes
    purposes = {name: getattr(sizes, name) for name in ("portrait", "motion", "audio", "container")}
    purposes["container"] += sizes.scene
    ancillary, states = [], []
    for chunk, value in reader.chunks():
        if isinstance(value, CodedGroup):
            states.append(final_states(value.payloads, len(value.ticks), reader.head.groups))
        elif value is None:
            ancillary.append(chunk.name)
    packed = b"".join(struct.pack(">3I", *state) for group in states for state in group)
    end = {
        "end_tick": reader.end_tick,
        "frames": sizes.frames,
        "sizes": purposes,
        "ancillary": ancillary,
        "final_states": list(map(list, states[-1])),
        "states_sha256": hashlib.sha256(packed).hexdigest(),
    }
    return _describe_head(reader.head) | tally.result() | end


_OF_A_PORTRAIT = ("first_frame", "shot", "number", "depends_on", "continues")


class _Tally:
    """Hashes and counts what passes."""

    def __init__(self, major: int) -> None:
        shown = ("shown",) if major > 1 else ()
        self._hashes = {name: hashlib.sha256() for name in ("ticks", "token", "audio", *shown)}
        self._portraits: list[dict[str, Any]] = []
        self._out: dict[str, Any] = {
            "groups": 0,
            "low_confidence_frames": 0,
            "key_frames" if major == 1 else "portraits": self._portraits,
            "audio_packets": 0,
            "end_trim_samples": 0,
        }

    def add(self, item: KeyFrame | PortraitUnit | MotionGroup | AudioGroup) -> None:
        out = self._out
        if isinstance(item, MotionGroup):
            if "shown" in self._hashes:
                self._hashes["shown"].update(_shown(item))
            self._hashes["ticks"].update(item.ticks.astype(">u8").tobytes())
            self._hashes["token"].update(item.indices.astype(">u2").tobytes())
            out["groups"] += 1
            out["low_confidence_frames"] += int(item.low_confidence.sum())
            out.setdefault("first_tick", int(item.ticks[0]))
            out.setdefault("first_tokens", item.indices[0].ravel().tolist())
            out |= {
                "last_tick": int(item.ticks[-1]),
                "last_tokens": item.indices[-1].ravel().tolist(),
            }
        elif isinstance(item, KeyFrame):
            features = hashlib.sha256(item.features.astype(">i2").tobytes()).hexdigest()
            still = hashlib.sha256(item.still).hexdigest()
            self._portraits.append(
                {
                    "first_frame": item.first_frame,
                    "features_sha256": features,
                    "still_sha256": still,
                }
            )
        elif isinstance(item, PortraitUnit):
            self._portraits.append(
                {name: getattr(item, name) for name in _OF_A_PORTRAIT}
                | {
                    "features_sha256": hashlib.sha256(
                        item.features.astype(">i2").tobytes()
                    ).hexdigest(),
                    "unit_sha256": hashlib.sha256(item.unit).hexdigest(),
                }
            )
        else:
            self._hashes["audio"].update(b"".join(item.packets))
            out["audio_packets"] += len(item.packets)
            out["end_trim_samples"] = item.end_trim_samples

    def result(self) -> dict[str, Any]:
        return self._out | {
            f"{name}_sha256": digest.hexdigest() for name, digest in self._hashes.items()
        }


def _shown(group: MotionGroup) -> bytes:
    """For every frame the portraits and the second one's share, as conformance.md has them."""
    rows = []
    for run in group.runs or (PortraitRun(len(group.ticks), 0),):
        for i in range(1, run.frames + 1):
            passing = (i, run.frames + 1) if run.weight == 0 else (run.weight, SHARE_PARTS)
            other = (65535, 0, 1) if run.other is None else (run.other, *passing)
            rows.append(struct.pack(">4H", run.portrait, *other))
    return b"".join(rows)


def _describe_head(head: Head) -> dict[str, Any]:
    audio, crop = head.audio, head.crop
    live = {} if head.version[0] == 1 else {"delay_ms": head.delay_ms}
    return live | {
        "version": "{}.{}".format(*head.version),
        "synthetic": head.synthetic,
        "coded_size_px": head.coded_size_px,
        "time_base_s": "{}/{}".format(*head.time_base_s.as_integer_ratio()),
        "frame_rate_hz": "{}/{}".format(*head.frame_rate_hz.as_integer_ratio()),
        "layers": head.layers,
        "motion_space": _describe_model(head.motion_space),
        "renderer": _describe_model(head.renderer),
        "audio": audio
        and {
            "channels": audio.channels,
            "pre_skip_samples": audio.pre_skip_samples,
            "extradata": audio.extradata.hex(),
        },
        "crop": crop and {name: getattr(crop, name) for name in crop.__slots__},
    }


def _describe_model(model: ModelId) -> dict[str, str]:
    return {"name": model.name, "sha256": model.sha256.hex()}


def failure(data: bytes) -> dict[str, Any]:
    """The error code and byte offset of an invalid stream."""
    try:
        describe(data)
    except VqcodecError as error:
        return {"error": getattr(error, "code", "?"), "offset": getattr(error, "offset", None)}
    raise AssertionError("this stream is meant to be invalid")


def recipes() -> dict[Path, bytes]:
    """Every vector and what is expected of it, freshly made."""
    files: dict[Path, bytes] = {}
    for name, stream in VALID.items():
        files[HERE / "valid" / f"{name}.vqt"] = stream
        files[HERE / "valid" / f"{name}.json"] = _json(describe(stream))
    for name, (code, why, stream) in INVALID.items():
        found = failure(stream)
        if name in VERSION_1_ONLY:
            found = {"error": code, "offset": VERSION_1_ONLY[name][1]}
        if found["error"] != code:
            raise AssertionError(f"{name} gives {found}, not {code}")
        files[HERE / "invalid" / f"{name}.vqt"] = stream
        files[HERE / "invalid" / f"{name}.json"] = _json(found | {"why": why})
    return files


def frozen() -> dict[str, str]:
    """SHA-256 in hexadecimal by path, from SHA256SUMS: what may never change."""
    lines = SUMS.read_text(encoding="ascii").splitlines() if SUMS.is_file() else []
    return {path: digest for digest, path in (line.split("  ") for line in lines)}


def digests(files: dict[Path, bytes]) -> dict[str, str]:
    """The same of files that have been made."""
    return {
        path.relative_to(HERE).as_posix(): hashlib.sha256(data).hexdigest()
        for path, data in sorted(files.items())
    }


def changed(files: dict[Path, bytes]) -> list[str]:
    """Frozen paths that these files lack or hold in another form."""
    made = digests(files)
    return [path for path, digest in frozen().items() if made.get(path) != digest]


def main() -> None:
    """Write new vectors, the sums of all, and the example."""
    parser = argparse.ArgumentParser(
        description="Make the conformance vectors and the worked example of vqt.md."
    )
    parser.add_argument(
        "--unfreeze",
        nargs="?",
        const="",
        metavar="BEGINNING",
        help=(
            "replace and remove frozen vectors too, all or those whose names begin so. Only before a "
            "version is released, when the format itself changes (other entropy tables, say): a "
            "released vector stays for ever, because decoders and stored files rely on it"
        ),
    )
    unfreeze = parser.parse_args().unfreeze
    files = recipes()
    others = changed(files)
    refused = [p for p in others if unfreeze is None or not Path(p).name.startswith(unfreeze)]
    if refused:
        raise SystemExit(
            f"these vectors are frozen, and would change or go: {', '.join(refused)}\n"
            "nothing was written. A decoder or a recipe has changed: put it right, or give the recipe a new name"
            " (see --help)"
        )
    for folder in ("valid", "invalid"):
        (HERE / folder).mkdir(exist_ok=True)
        for old in set((HERE / folder).iterdir()) - set(files):
            old.unlink()
    for path, data in files.items():
        path.write_bytes(data)
    SUMS.write_text(
        "".join(f"{digest}  {path}\n" for path, digest in digests(files).items()),
        encoding="ascii",
        newline="\n",
    )
    example.write(ROOT / "bitstream_spec" / "vqt.md")
    print(
        f"{len(VALID)} valid and {len(INVALID)} invalid vectors, {sum(map(len, files.values()))} bytes; "
        f"{len(others)} frozen ones replaced"
    )


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=True) + "\n").encode()


if __name__ == "__main__":
    main()
