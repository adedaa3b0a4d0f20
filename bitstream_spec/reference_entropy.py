"""Tokens for the reference decoder: the payloads of a group's layers to indices, as entropy.md and tokens.md say.

A file of its own because the text is one, too: whoever writes a decoder can take one after the other. Standard library only;
names and section numbers are those of entropy.md, but for the layer r, which is 0..3 here.
"""

import json
from bisect import bisect_right as count
from pathlib import Path

NARROW, WIDE = (
    json.loads((Path(__file__).parent / "tables" / name).read_text(encoding="ascii"))["layers"]
    for name in ("motion-1.json", "motion-3.json")
)


class Fault(Exception):
    """A broken rule: code, then the byte offset if it isn't the chunk's."""


def need(condition, *fault):
    if not condition:
        raise Fault(*fault or ["bad-value"])


class RangeDecoder:
    """Section 3."""

    def __init__(self, data, symbols):
        self.data, self.length = data + bytes(2 * symbols + 4), len(data)
        self.code, self.span, self.taken = int.from_bytes(self.data[:4], "big"), 2**32 - 1, 4
        need(self.code < self.span, "bad-payload")

    def symbol(self, frequencies):
        unit, start, k = self.span >> 12, 0, 0
        while k < 4 and unit * (start + frequencies[k]) <= self.code:
            start += frequencies[k]
            k += 1
        self.code -= unit * start
        self.span = unit * frequencies[k] if k < 4 else self.span - unit * start
        while self.span < 2**24:
            self.code = self.code * 256 + self.data[self.taken]
            self.span *= 256
            self.taken += 1
        return k

    def end(self):
        """Checks section 3.4; returns the final state."""
        need(self.length <= self.taken, "bad-payload")
        need(not self.length or self.data[self.length - 1], "bad-payload")
        word = int.from_bytes(self.data[self.taken - 4 : self.taken], "big")
        low = (word - self.code) % 2**32
        last = 0 if low == 0 or low + self.span > 2**32 else low + 2**24 - 1 >> 24 << 24
        need(word == last % 2**32, "bad-payload")
        return [self.code, self.span, self.taken]


class Model:
    """Section 4: predicts the digits [frame][d] of layer r from those of the coarser layers and of the frames before."""

    def __init__(self, table, coarser, frames, dims):
        """Section 4.1."""
        self.table, self.r, self.last = table, len(coarser), frames - 1
        self.dims = range(dims)
        nothing = [[0] * dims] * frames
        self.grands, self.parents = [nothing, nothing, *coarser][-2:]
        self.c = c = [[self.coarse(coarser, t, d) for d in self.dims] for t in range(frames)]
        self.a = []
        self.move = [
            [abs(c[t][d] - c[t - 1][d]) if 0 < t < frames else 0 for d in self.dims]
            for t in range(frames + 3)
        ]
        self.frame = [sum(self.move[t]) + sum(self.move[t + 1]) for t in range(frames)]
        group = [1024 * sum(row[d] for row in self.move) // max(self.last, 1) for d in self.dims]
        start = [
            [max(0, scale[d] + (slope * group[d] >> 8)) for d in self.dims]
            for scale, slope in zip(table["start_scale"], table["start_slope"], strict=True)
        ]
        self.first_sigma, self.fast, self.activity = start
        self.slow, self.ratio = self.fast, 256

    def coarse(self, coarser, t, d):
        return sum(4 ** (self.r - q) * layer[t][d] for q, layer in enumerate(coarser))

    def row(self, t, d):
        """Sections 4.2 to 4.4: mirror, prediction, and the frequencies of the coder's ranks."""
        parent, grand = self.parents[t][d], (self.grands[t][d] > 0) - (self.grands[t][d] < 0)
        state, kind = self.state(t, d)
        mu = self.predict(t, d, kind, parent, grand)
        m = -1 if (parent or grand or mu) < 0 else 1
        combo = (1 if self.r == 1 else 3) * abs(parent) + m * grand
        phase = 20 + (m * mu + 4 >> 3)
        row = self.table["frequencies"][self.scale(t, d, state)][combo][phase]
        return m, mu, [row[i] for i in (2, 1, 3, 0, 4)]

    def state(self, t, d):
        if not t:
            return 0, 0
        state = self.a[t - 1][d] != self.a[max(t - 2, 0)][d]
        state += sum(2 << k for k in range(4) if self.move[t - 1 + k][d])
        limits = self.table["activity_thresholds"]
        return state, 1 + (len(limits) + 1) * state + count(limits, self.activity[d])

    def predict(self, t, d, kind, parent, grand):
        here = self.c[t][d]
        features = [self.a[max(t - k, 0)][d] - here if t else 0 for k in (1, 2, 3)]
        features += [self.c[min(max(t + k, 0), self.last)][d] - here for k in (1, 2, 3, -1)]
        features += [parent, grand]
        weights = self.table["coefficients"][kind]
        total = sum(w * x for w, x in zip(weights, features, strict=True))
        return min(max(total + 32 >> 6, -160), 160)

    def scale(self, t, d, state):
        """Section 4.3: the class."""
        first = self.table["first_thresholds"]
        if not t:
            return count(first, self.first_sigma[d])
        near = sum(self.move[t + k][d] for k in (-1, 0, 1, 2))
        slow = self.slow[d]
        terms = self.fast[d], slow, self.ratio * slow >> 8, near << 8, self.frame[t] << 4, 1024
        weights = self.table["scale_weights"][state]
        sigma = sum(w * x for w, x in zip(weights, terms, strict=True)) >> 8
        return len(first) + 1 + count(self.table["scale_thresholds"], sigma)

    def update(self, t, digits, mu):
        """Section 4.5."""
        self.a.append([self.c[t][d] + digits[d] for d in self.dims])
        if not t:
            return
        error = [abs(64 * digits[d] - mu[d]) << 4 for d in self.dims]
        self.ratio = min(1023, 256 * sum(error) // max(1, sum(self.slow)))
        self.fast = [x + (e - x >> 2) for x, e in zip(self.fast, error, strict=True)]
        self.slow = [x + (e - x >> 4) for x, e in zip(self.slow, error, strict=True)]
        moved = [abs(self.a[t][d] - self.a[t - 1][d]) << 10 for d in self.dims]
        self.activity = [x + (m - x >> 3) for x, m in zip(self.activity, moved, strict=True)]


def decode_layer(data, table, coarser, frames, dims):
    """Section 2: the digits [frame][d] of one layer, and the coder's final state."""
    model, coder = Model(table, coarser, frames, dims), RangeDecoder(data, dims * frames)
    layer = []
    for t in range(frames):
        mirrors, mu, rows = zip(*(model.row(t, d) for d in range(dims)), strict=True)
        ranks = [coder.symbol(row) for row in rows]
        layer.append([m * (0, -1, 1, -2, 2)[k] for m, k in zip(mirrors, ranks, strict=True)])
        model.update(t, layer[t], mu)
    return layer, coder.end()


def decode_group(payloads, frames, groups):
    """Tokens [frame][G groups x L layers] of a group, and its coders' final states (tokens.md, section 3)."""
    layers, states = [], []
    for data, table in zip(payloads, NARROW if groups == 12 else WIDE, strict=False):
        layer, state = decode_layer(data, table, layers, frames, 4 * groups)
        layers.append(layer)
        states.append(state)
    return [
        [
            sum((layer[t][4 * g + p] + 2) * 5**p for p in range(4))
            for g in range(groups)
            for layer in layers
        ]
        for t in range(frames)
    ], states
