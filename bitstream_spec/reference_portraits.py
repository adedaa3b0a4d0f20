"""The portraits of .vqt 2.0 for reference_decoder.py: vqt.md, sections 5a and 6. Standard library only."""

import hashlib
import struct

from reference_entropy import need

SEQUENCE_HEADER, FRAME = 1, 6


def obus(unit):
    """Types and payloads of the OBUs that fill a unit, two at most."""
    found = []
    while unit:
        need(len(found) < 2, "bad-unit")
        need(unit[0] & 0x87 == 2, "bad-unit")
        ends = [i for i, byte in enumerate(unit[1:9], 1) if byte < 128]
        need(ends, "bad-unit")
        start = ends[0] + 1
        size = sum((byte & 127) << 7 * i for i, byte in enumerate(unit[1:start]))
        need(start + size <= len(unit), "bad-unit")
        found.append((unit[0] >> 3, unit[start : start + size]))
        unit = unit[start + size :]
    return found


def check_unit(unit, first, side_px):
    """Section 5a, "Structure of a unit"."""
    found = obus(unit)
    expected = [SEQUENCE_HEADER, FRAME] if first else [FRAME]
    need([kind for kind, _ in found] == expected, "bad-unit")
    frame = found[-1][1]
    need(frame and frame[0] >> 4 == (0b0001 if first else 0b0011), "bad-unit")
    if first:
        check_sequence_header(found[0][1], side_px)


def check_sequence_header(payload, side_px):
    """Field by field as in section 5.5 of the AV1 specification."""
    text = "".join(f"{byte:08b}" for byte in payload)
    at = 0

    def f(width, *allowed):
        nonlocal at
        need(at + width <= len(text), "bad-unit")
        at += width
        value = int(text[at - width : at] or "0", 2)
        need(not allowed or value in allowed, "bad-unit")
        return value

    f(3, 0)  # seq_profile
    f(3, 0)  # still_picture, reduced_still_picture_header, timing_info_present_flag
    delays = f(1)
    for _ in range(f(5) + 1):
        f(12)  # operating_point_idc
        f(1 if f(5) > 7 else 0)  # seq_level_idx, seq_tier
        f(4 if delays and f(1) else 0)
    widths = f(4) + 1, f(4) + 1
    for width in widths:
        f(width, side_px - 1)
    f(1, 0)  # frame_id_numbers_present_flag
    f(7)  # use_128x128_superblock .. enable_dual_filter
    order_hint = f(1)
    f(2 if order_hint else 0)
    tools = 2 if f(1) else f(1)  # seq_force_screen_content_tools
    if tools and not f(1):
        f(1)
    f(3 if order_hint else 0)
    f(3)  # enable_superres, enable_cdef, enable_restoration
    f(2, 0)  # high_bitdepth, mono_chrome
    need(not f(1) or f(24) != 0x010D00, "bad-unit")  # BT.709, sRGB, identity: 4:4:4
    f(1 + 2 + 1)  # color_range, chroma_sample_position, separate_uv_delta_q
    f(1, 0)  # film_grain_params_present
    need(text[at:].rstrip("0") == "1", "bad-unit")


class Portraits:
    """The portraits of a stream of major version 2, and which of them show its frames."""

    def __init__(self, groups):
        self.nothing = [0] * (4 * groups)
        self.shots, self.paths, self.base, self.first_tick = 0, [], self.nothing, None
        self.described, self.shown = [], hashlib.sha256()

    def port(self, f, side_px):
        """Read the fields of a PORT; returns first_frame and number."""
        first, shot, number = f.varint(0, 2**32 - 1), f.varint(0, 2**32 - 1), f.varint(0, 4095)
        form = f.number("B", 0, 1)
        depends_on = f.varint(0, number - 1) if number else None
        features = [element - 32768 for element in f.packed(len(self.nothing), 65535, 16, low=0)]
        unit = f.rest()
        need(1 <= len(unit) <= 1048576)
        check_unit(unit, number == 0, side_px)
        if number == 0:
            need(shot == self.shots and (shot or not form), "bad-portrait")
            self.shots, self.paths, self.base, self.first_tick = shot + 1, [], self.nothing, None
        need((shot, number) == (self.shots - 1, len(self.paths)), "bad-portrait")
        need(number == 0 or not form, "bad-portrait")
        self.paths.append(1 if number == 0 else self.paths[depends_on] + 1)
        need(self.paths[-1] <= 8, "bad-portrait")
        features = [own + base for own, base in zip(features, self.base, strict=True)]
        need(all(-32768 <= value <= 32767 for value in features))
        self.base = features if number == 0 else self.base
        self.described.append(
            {
                "first_frame": first,
                "shot": shot,
                "number": number,
                "depends_on": depends_on,
                "continues": bool(form),
                "features_sha256": hashlib.sha256(
                    struct.pack(f">{len(features)}h", *features)
                ).hexdigest(),
                "unit_sha256": hashlib.sha256(unit).hexdigest(),
            }
        )
        return first, number

    def runs(self, f, frames, present):
        """Read `shot` and the runs of a MOTN; returns the shot, and portrait, other and share of every frame."""
        shot = f.varint(0, 2**32 - 1)
        count = f.varint(1, 240) if present else 0
        shown, before = [], None
        for run in range(count):
            left = frames - len(shown)
            size = left if run == count - 1 else f.varint(1, 240)
            need(1 <= size <= left)
            portrait, other = f.varint(0, 4095), f.varint(0, 4096) - 1
            need(other != portrait, "bad-portrait")
            weight = f.number("B", 0, 15) if other >= 0 else None
            need(other >= 0 or before != portrait)
            before = portrait if other < 0 else None
            need(count > 1 or (portrait, other) != (0, -1))
            for i in range(1, size + 1):
                share = (0, 1) if other < 0 else (weight, 16) if weight else (i, size + 1)
                shown.append((portrait, 65535 if other < 0 else other, *share))
        return shot, shown or [(0, 65535, 0, 1)] * frames

    def motion(self, shot, shown, ticks, time_base_s):
        """The rules of a MOTN in its shot."""
        need(shot == self.shots - 1, "bad-portrait")
        named = {frame[0] for frame in shown} | {frame[1] for frame in shown} - {65535}
        need(max(named) < len(self.paths), "bad-portrait")
        self.first_tick = ticks[0] if self.first_tick is None else self.first_tick
        above, below = map(int, time_base_s.split("/"))
        need((ticks[-1] - self.first_tick) * above <= 60 * below, "bad-time")
        for frame in shown:
            self.shown.update(struct.pack(">4H", *frame))

    def result(self):
        return {"portraits": self.described, "shown_sha256": self.shown.hexdigest()}
