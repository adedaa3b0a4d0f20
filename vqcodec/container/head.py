"""Between a HEAD payload and `vqcodec.types.Head` (vqt.md, "HEAD")."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from vqcodec.container.faults import Fault
from vqcodec.container.structs import (
    AUDIO_FLAG,
    CROP_FLAG,
    HEAD,
    KNOWN_FLAGS,
    LIVE_FLAG,
    SYNTHETIC_FLAG,
    VERSION_FIELD,
    build_struct,
    parse_struct,
)
from vqcodec.format import (
    AUDIO_RATE_HZ,
    GROUP_DIMS,
    GROUPS,
    LEVELS,
    MAX_FRAME_RATE_HZ,
    MAX_GROUPS,
    MAX_TIME_BASE_S,
    VERSIONS,
)
from vqcodec.types import AudioHead, Crop, Head, ModelId

MOST_GROUPS = {1: GROUPS, 2: MAX_GROUPS}
"""Groups of dimensions that a stream may have at most, by major version; at least they are GROUPS."""


def parse_head(payload: bytes) -> Head:
    """Read a HEAD payload (vqt.md, "HEAD").

    Raises:
        Fault: the version comes first, so that a file of a newer major version is "unsupported-version" whatever
            else it holds.
    """
    _check_version(parse_struct(VERSION_FIELD, payload))
    fields = parse_struct(HEAD, payload)
    version = (fields.version.major, fields.version.minor)
    _check_layout(fields)
    known = version in VERSIONS  # a newer minor version may add flags and fields
    if known and fields.flags & ~KNOWN_FLAGS[fields.version.major]:
        raise Fault("bad-value", f"reserved flags are set: {fields.flags:#04x}")
    if known and fields.extension:
        raise Fault("bad-layout", f"HEAD has {len(fields.extension)} bytes too many")
    return Head(
        time_base_s=_rational(fields.time_base_s, "time base", MAX_TIME_BASE_S),
        frame_rate_hz=_rational(fields.frame_rate_hz, "frame rate", MAX_FRAME_RATE_HZ),
        layers=fields.layers,
        motion_space=ModelId(fields.motion_space.name, fields.motion_space.sha256),
        renderer=ModelId(fields.renderer.name, fields.renderer.sha256),
        audio=_audio_head(fields.audio),
        crop=_crop(fields.crop),
        synthetic=bool(fields.flags & SYNTHETIC_FLAG),
        coded_size_px=fields.coded_size_px,
        version=version,
        delay_ms=fields.delay_ms,
        groups=fields.groups,
    )


def build_head(head: Head) -> bytes:
    """Write a HEAD payload; the result reads back as `head`."""
    if head.version not in VERSIONS:
        known = " and ".join(f"{major}.{minor}" for major, minor in VERSIONS)
        raise Fault("unsupported-version", f"only versions {known} can be written")
    if head.delay_ms is not None and head.version[0] == 1:
        raise Fault("bad-value", "major version 1 has no delay")
    if head.audio is not None and head.audio.sample_rate_hz != AUDIO_RATE_HZ:
        raise Fault(
            "bad-value",
            f"the sample rate is {head.audio.sample_rate_hz} Hz; Opus counts at {AUDIO_RATE_HZ}",
        )
    flags = SYNTHETIC_FLAG if head.synthetic else 0
    flags |= 0 if head.audio is None else AUDIO_FLAG
    flags |= 0 if head.crop is None else CROP_FLAG
    flags |= 0 if head.delay_ms is None else LIVE_FLAG
    payload = build_struct(
        HEAD,
        {
            "version": {"major": head.version[0], "minor": head.version[1]},
            "flags": flags,
            "coded_size_px": head.coded_size_px,
            "time_base_s": _parts(head.time_base_s),
            "frame_rate_hz": _parts(head.frame_rate_hz),
            "groups": head.groups,
            "group_dims": GROUP_DIMS,
            "levels": LEVELS,
            "layers": head.layers,
            "motion_space": {"name": head.motion_space.name, "sha256": head.motion_space.sha256},
            "renderer": {"name": head.renderer.name, "sha256": head.renderer.sha256},
            "audio": _fields(head.audio, ("channels", "pre_skip_samples", "extradata")),
            "crop": _fields(
                head.crop, ("source_width_px", "source_height_px", "x_px", "y_px", "side_px")
            ),
            "delay_ms": head.delay_ms,
            "extension": b"",
        },
    )
    parse_head(payload)
    return payload


def replace_layers(payload: bytes, layers: int) -> bytes:
    """A HEAD payload with another number of layers and every other byte kept, extensions of newer versions too."""
    fields = parse_struct(HEAD, payload)
    fields.layers = layers
    return build_struct(HEAD, fields)


def _check_version(version: Any) -> None:
    if version.major == 0:
        raise Fault("bad-value", "the major version is 0")
    if version.major > VERSIONS[-1][0]:
        raise Fault("unsupported-version", f"the file has version {version.major}.{version.minor}")


def _check_layout(fields: Any) -> None:
    most = MOST_GROUPS[fields.version.major]
    whole = (fields.group_dims, fields.levels) == (GROUP_DIMS, LEVELS)
    if whole and GROUPS <= fields.groups <= most:
        return
    found = f"{fields.groups} groups of {fields.group_dims} dimensions in {fields.levels} levels"
    wanted = str(GROUPS) if most == GROUPS else f"{GROUPS} to {most}"
    raise Fault(
        "unsupported-layout",
        f"the tokens have {found}; they must have {wanted} of {GROUP_DIMS} in {LEVELS}",
    )


def _rational(fields: Any, what: str, maximum: int) -> Fraction:
    value = Fraction(fields.numerator, fields.denominator)
    if math.gcd(fields.numerator, fields.denominator) != 1:
        raise Fault(
            "bad-value",
            f"the {what} {fields.numerator}/{fields.denominator} is not in lowest terms",
        )
    if value > maximum:
        raise Fault("bad-value", f"the {what} {value} is above {maximum}")
    return value


def _parts(value: Fraction) -> dict[str, int]:
    return {"numerator": value.numerator, "denominator": value.denominator}


def _fields(value: object | None, names: tuple[str, ...]) -> dict[str, Any] | None:
    return None if value is None else {name: getattr(value, name) for name in names}


def _audio_head(fields: Any) -> AudioHead | None:
    if fields is None:
        return None
    return AudioHead(AUDIO_RATE_HZ, fields.channels, fields.pre_skip_samples, fields.extradata)


def _crop(fields: Any) -> Crop | None:
    if fields is None:
        return None
    return Crop(
        fields.source_width_px, fields.source_height_px, fields.x_px, fields.y_px, fields.side_px
    )
