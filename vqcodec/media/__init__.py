"""Video, sound and stills in and out. PyAV and Pillow live here and nowhere else.

The time model, which every module of this package keeps:

* Time zero is the presentation time of the first video frame. Every time is a `Fraction` in seconds since then.
* Sound runs at 48 kHz. Sample n is heard at n / 48000 s: sound that begins before the first frame is trimmed, sound that
  begins after it is preceded by silence, and holes in the timestamps are filled with silence, so sample 0 is at time
  zero and drift can't build up.
* A file is read once, front to back; nothing is kept that grows with its length.

Modules (import names from them, this package imports nothing by itself):

    items.py    AudioBlock, AudioPacket, Source, Target    output.py  files that appear whole or not at all
    probe.py    probe() -> MediaInfo                       sink.py    VideoSink: H.264 + AAC or Opus
    source.py   VideoSource: frames and sound of one pass  stills.py  AVIF stills, portraits
    audio.py    AudioEncoder, AudioDecoder (Opus)

and behind them

    rates.py    exact rates and times from PyAV            sampling.py   which frames are kept
    reader.py   opening, choosing streams, packets         timeline.py   timestamps -> ticks since time zero
    colour.py   RGB <-> YUV, turning; hdr.py: PQ and HLG   sound.py      decoded sound without holes or drift
    pipes.py    file objects, stdin, stdout for libav      listening.py  sound packets -> blocks or copied packets
    faults.py   libav's errors as MediaError               opus.py, opus_copy.py  Opus bytes; copying in sync
    tracks.py   the streams of a file being written
"""
