#!/usr/bin/env python3
"""Reference decoder for .vqt 1.0 and 2.0, standard library only: reference_decoder.py FILE  ("-" for standard input)

Written from vqt.md, tokens.md and entropy.md, for people who write another one: short, strict and slow. Prints the JSON of
conformance.md, "Level A", and exits with 0; or {"error": CODE, "offset": BYTE}, and exits with 3 (4 for "unsupported-...").
This file is vqt.md; reference_fields.py is its section 1, reference_portraits.py are the portraits of 2.0,
reference_entropy.py is entropy.md."""

import hashlib
import json
import struct
import sys
import zlib
from pathlib import Path

from reference_entropy import Fault, decode_group, need
from reference_fields import Fields
from reference_portraits import Portraits

SIGNATURE = b"\xd6VQT\r\n\x1a\n"
LIMITS = {
    b"HEAD": 1024,
    b"KEYF": 1049600,
    b"PORT": 1049600,
    b"MOTN": 266240,
    b"AUDO": 266240,
    b"INDX": 16777216,
    b"IEND": 20,
}
MAX_POSITION, MAX_FRAMES, MAX_INDEX_ENTRIES = 2**53 - 1, 2**32 - 1, 2**20
MAX_STREAM_S = 2**20


class Decoder(Fields):
    """Reads a stream; a method for each chunk type checks its fields and then the rules between chunks."""

    def __init__(self, data):
        super().__init__(data, "truncated", len(data))
        self.out = {
            "groups": 0,
            "frames": 0,
            "low_confidence_frames": 0,
            "key_frames": [],
            "audio_packets": 0,
            "end_trim_samples": 0,
            "ancillary": [],
            "sizes": {"portrait": 0, "motion": 0, "audio": 0},
        }
        self.hashes = {name: hashlib.sha256() for name in ("ticks", "token", "states", "audio")}
        self.portraits = None  # in major version 2
        self.dim_groups = 12
        self.key_frame_waits, self.next_sample, self.chain, self.index_bytes = False, 0, 0, 0
        self.index, self.entries, self.entry_offset, self.positions = (
            bytearray(),
            0,
            0,
            [(0, 0)] * 4,
        )

    def run(self):
        for position, byte in enumerate(SIGNATURE):
            need(self.bytes(1)[0] == byte, "bad-signature", position)
        while "end_tick" not in self.out:
            self.start = self.at
            try:
                self.chunk()
            except Fault as fault:
                raise Fault(*[*fault.args, self.start][:2]) from None
        need(self.at == len(self.data), "trailing-data", self.at)
        self.out["sizes"]["container"] = self.at - sum(self.out["sizes"].values())
        if self.portraits:
            del self.out["key_frames"]
            self.out |= self.portraits.result()
        return self.out | {
            f"{name}_sha256": digest.hexdigest() for name, digest in self.hashes.items()
        }

    def chunk(self):
        kind = self.bytes(4)
        need(kind.isalpha(), "bad-type")
        try:
            size = self.varint(0, LIMITS.get(kind, 1049600))
        except Fault as fault:
            raise fault if fault.args[0] == "truncated" else Fault("bad-length") from None
        payload, crc = self.bytes(size), self.bytes(4)
        need(
            zlib.crc32(self.data[self.start : self.at - 4]) == int.from_bytes(crc, "big"), "bad-crc"
        )
        need((self.start == len(SIGNATURE)) == (kind == b"HEAD"), "bad-order")
        need(kind in LIMITS or kind[0] & 32, "unsupported-chunk")
        need(kind != b"PORT" or self.portraits, "unsupported-chunk")
        need(not self.index_bytes or kind == b"IEND", "bad-order")
        if kind in LIMITS:
            getattr(self, kind.decode().lower())(fields := Fields(payload))
            need(fields.at == size, "bad-layout")
        else:
            self.out["ancillary"].append(kind.decode())
        self.chain = zlib.crc32(crc, self.chain)

    def head(self, f):
        need((major := f.number("B", 1)) <= 2, "unsupported-version")
        out, minor, flags = self.out, f.number("B"), f.number("B")
        out |= {
            "version": f"{major}.{minor}",
            "synthetic": bool(flags & 1),
            "coded_size_px": f.number("H", 16, 4096),
        }
        out |= {"time_base_s": f.rational(1), "frame_rate_hz": f.rational(240)}
        self.dim_groups, form = f.number("B"), f.bytes(2)
        most = 12 if major == 1 else 32
        need(12 <= self.dim_groups <= most and form == b"\x04\x05", "unsupported-layout")
        out |= {
            "layers": f.number("B", 1, 4),
            "motion_space": f.model(),
            "renderer": f.model(),
            "audio": None,
            "crop": None,
        }
        if flags & 2:
            out["audio"] = {"channels": f.number("B", 1, 2), "pre_skip_samples": f.number("H")}
            out["audio"]["extradata"] = f.bytes(f.number("B")).hex()
        if flags & 4:
            out["crop"] = {
                "source_width_px": f.number("H", 1),
                "source_height_px": f.number("H", 1),
                "x_px": f.number("i", -131070, 131070),
                "y_px": f.number("i", -131070, 131070),
                "side_px": f.number("I", 1, 131070),
            }
        if major == 2:
            self.portraits = Portraits(self.dim_groups)
            out["delay_ms"] = f.number("H", 1) if flags & 8 else None
        f.rest() if minor else need(flags < 8 * major)

    def keyf(self, f):
        need(not self.portraits, "bad-order")
        first, features, still = f.varint(0, MAX_FRAMES), f.bytes(96), f.rest()
        need(1 <= len(still) <= 1048576)
        need(not self.key_frame_waits, "bad-order")
        need(first == self.out["frames"], "bad-frame")
        self.entry(0, first)
        self.key_frame_waits = True
        self.out["sizes"]["portrait"] += len(f.data)
        self.out["key_frames"].append(
            {
                "first_frame": first,
                "features_sha256": hashlib.sha256(features).hexdigest(),
                "still_sha256": hashlib.sha256(still).hexdigest(),
            }
        )

    def port(self, f):
        first, number = self.portraits.port(f, self.out["coded_size_px"])
        need(number or not self.key_frame_waits, "bad-order")
        need(first == self.out["frames"], "bad-frame")
        self.entry(3 if number else 0, first)
        self.key_frame_waits |= not number
        self.out["sizes"]["portrait"] += len(f.data)

    def motn(self, f):
        first, frames = f.varint(0, MAX_FRAMES), f.number("B", 1, 240)
        form = f.number("B", 0, 15 if self.portraits else 7)
        ticks = [f.varint(0, MAX_POSITION)]
        for step in f.packed(frames - 1, 2**33, 34):
            ticks.append(ticks[-1] + step)
        need(ticks[-1] <= MAX_POSITION, "bad-time")
        held = f.bits(frames, 1) if form & 1 else []
        need(any(held) or not form & 1)
        shown = self.portraits.runs(f, frames, form & 8) if self.portraits else ()
        sizes = [f.varint(0, 65535) for _ in range(form >> 1 & 3)]
        layers = [*map(f.bytes, sizes), f.rest()]
        need(len(layers[-1]) <= 65535)
        self.follows(first, ticks, layers)
        if self.portraits:
            self.portraits.motion(*shown, ticks, self.out["time_base_s"])
        self.entry(1, ticks[0])
        tokens, states = decode_group(layers, frames, self.dim_groups)
        self.key_frame_waits = False
        self.hashes["ticks"].update(struct.pack(f">{frames}Q", *ticks))
        for frame in tokens:
            self.hashes["token"].update(struct.pack(f">{len(frame)}H", *frame))
        for state in states:
            self.hashes["states"].update(struct.pack(">3I", *state))
        out = self.out
        out["sizes"]["motion"] += sum(map(len, layers))
        out["low_confidence_frames"] += sum(held)
        out["groups"] += 1
        out["frames"] = first + frames
        out.setdefault("first_tick", ticks[0])
        out.setdefault("first_tokens", tokens[0])
        out |= {"final_states": states, "last_tick": ticks[-1], "last_tokens": tokens[-1]}

    def follows(self, first, ticks, layers):
        out = self.out
        need(out["groups"] or self.key_frame_waits, "bad-order")
        need(len(layers) == out["layers"], "bad-layers")
        need(first == out["frames"], "bad-frame")
        need(first + len(ticks) <= MAX_FRAMES, "too-many")
        above, below = map(int, out["time_base_s"].split("/"))
        need(ticks[0] > out.get("last_tick", -1), "bad-time")
        need((ticks[-1] - ticks[0]) * above <= 2 * below, "bad-time")
        self.in_time(ticks[-1] * above, below)

    def in_time(self, units, units_a_second):
        need(not self.portraits or units <= MAX_STREAM_S * units_a_second, "bad-time")

    def audo(self, f):
        first, packets, trim = f.varint(0, MAX_POSITION), f.varint(1, 800), f.varint(0, 5760)
        lengths, data = f.packed(packets, 8191, 13), f.rest()
        need(len(data) <= 262144)
        need(len(data) == sum(lengths), "bad-layout")
        need(
            self.out["audio"] and not self.out["end_trim_samples"] and first >= self.next_sample,
            "bad-audio",
        )
        self.in_time(first, 48000)
        self.entry(2, first)
        self.next_sample = first + 120 * packets
        self.hashes["audio"].update(data)
        self.out["sizes"]["audio"] += len(data)
        self.out |= {"audio_packets": self.out["audio_packets"] + packets, "end_trim_samples": trim}

    def entry(self, kind, position):
        last, step = self.positions[kind]
        surprise, self.entries = position - last - step, self.entries + 1
        need(self.entries <= MAX_INDEX_ENTRIES, "too-many")
        for value in (
            4 * (self.start - self.entry_offset) + kind,
            2 * abs(surprise) - (surprise < 0),
        ):
            while value > 127:
                self.index.append(value % 128 + 128)
                value //= 128
            self.index.append(value)
        self.entry_offset, self.positions[kind] = self.start, (position, position - last)

    def indx(self, f):
        need(self.out["groups"] and not self.key_frame_waits, "bad-order")
        need(f.rest() == self.index, "bad-index")
        self.index_bytes = self.at - self.start

    def iend(self, f):
        need(self.index_bytes, "bad-order")
        frames, end, index_bytes, chain = f.number("I"), f.number("Q"), f.number("I"), f.number("I")
        need(self.out["last_tick"] < end <= MAX_POSITION, "bad-time")
        above, below = map(int, self.out["time_base_s"].split("/"))
        self.in_time(end * above, below)
        need(
            (frames, index_bytes, chain) == (self.out["frames"], self.index_bytes, self.chain),
            "bad-total",
        )
        self.out["end_tick"] = end


def main(path):
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        print(json.dumps(Decoder(data).run(), indent=1, sort_keys=True))
    except Fault as fault:
        print(json.dumps({"error": fault.args[0], "offset": fault.args[1]}))
        return 4 if fault.args[0].startswith("unsupported-") else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
