"""Opus packets copied from a file, moved onto the picture's clock to the sample without decoding them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from vqcodec.errors import BitstreamError, UsageError
from vqcodec.format import AUDIO_RATE_HZ, PRE_ROLL_SAMPLES
from vqcodec.media.items import AudioPacket
from vqcodec.media.sound.opus_bytes import opus_head, opus_head_bytes, packet_samples, silent_packet
from vqcodec.types import AudioHead

_MAX_HOLE = AUDIO_RATE_HZ * 3600


class OpusCopier:
    """Packets with their times in, packets that follow each other without a hole out.

    Sound that begins before time zero keeps the packets of the last 80 ms before it, skipped by a larger pre-skip; sound
    that begins later is preceded by packets of silence, and the pre-skip takes up the rest. Both are exact to the sample.
    Holes further on become silent packets, to the nearest packet.

    Attributes:
        head: as it must be written, fixed by `begin`.
        end_trim_samples: of the packet pushed last.
    """

    head: AudioHead
    end_trim_samples: int

    def __init__(self, extradata: bytes | None, name: str) -> None:
        """`extradata` is the OpusHead of the stream. Raises UsageError unless it is mono or stereo."""
        try:
            self._channels, self._pre_skip = opus_head(extradata or b"")
        except BitstreamError as error:
            raise UsageError(
                f"the Opus sound of {name} can't be copied: {error}",
                hint="let it be coded anew, for example --audio 12k",
            ) from error
        self.end_trim_samples = 0
        self._position = 0
        self._begun = False

    def begin(self, data: bytes | None, time_s: Fraction | None, tick_s: Fraction) -> None:
        """Fix the pre-skip by the first packet.

        Args:
            data: the first packet, None if it isn't known yet: then the stream is as if it began at time zero.
            time_s: when its first decoded sample, pre-skip included, has its place: before zero by the pre-skip where
                sound and picture begin together.
            tick_s: of the file's timestamps: a beginning within one tick of zero is at zero.
        """
        pre_skip = self._pre_skip
        if data is not None and time_s is not None:
            samples = packet_samples(data)
            lead = round(time_s * AUDIO_RATE_HZ) + pre_skip
            if abs(lead) <= tick_s * AUDIO_RATE_HZ:
                lead = 0
            if lead >= 0:
                pre_skip += -lead % samples
            else:
                before = pre_skip - lead
                pre_skip = before - max(0, before - PRE_ROLL_SAMPLES) // samples * samples
        self.head = AudioHead(
            AUDIO_RATE_HZ, self._channels, pre_skip, opus_head_bytes(self._channels, pre_skip)
        )

    def push(
        self, data: bytes, time_s: Fraction | None, end_trim_samples: int = 0
    ) -> Iterator[AudioPacket]:
        """Add a packet; `time_s` as for `begin`. What isn't Opus is passed over and becomes a hole."""
        try:
            samples = packet_samples(data)
        except BitstreamError:
            return
        # Where it goes among the decoded samples; sample 0 comes pre_skip samples before time zero.
        at = (
            self._position
            if time_s is None
            else round(time_s * AUDIO_RATE_HZ) + self.head.pre_skip_samples
        )
        if not self._begun and 2 * at < -samples:
            return
        self._begun = True
        hole = at - self._position
        if samples <= 2 * hole <= 2 * _MAX_HOLE:
            for _ in range((2 * hole + samples) // (2 * samples)):
                yield self._next(silent_packet(data), samples)
        self.end_trim_samples = min(max(0, end_trim_samples), samples)
        yield self._next(data, samples)

    def _next(self, data: bytes, samples: int) -> AudioPacket:
        packet = AudioPacket(data, self._position, samples)
        self._position += samples
        return packet
