"""Video, sound and stills in and out. PyAV and Pillow live here and nowhere else.

The time model, which every module of this package keeps:

* Time zero is the presentation time of the first video frame, or of the sound where that begins earlier: the first frame
  is held until its own time. Every time is a `Fraction` in seconds since then.
* Sound runs at 48 kHz. Sample n is heard at n / 48000 s: sound that begins after time zero is preceded by silence, and
  holes in the timestamps are filled with silence, so sample 0 is at time zero and drift can't build up. Less than 50 ms
  before the first frame are trimmed: not every container tells how much of that is a coder's priming.
* A file is read once, front to back; nothing is kept that grows with its length.

The way of a frame in, one room after the other:

    path, "-", file object
      pipes.py                stdin and file objects as libav wants them
      picture/opening.py      the container, and which of its streams are read
      picture/packets.py      read ahead; rate (rates.py), tick, pixel aspect, duration: all that is known of the file
        |
        +-- picture packets --> picture/source.py: VideoSource
        |     decode
        |     picture/interlaced.py two fields -> one picture
        |     picture/timeline.py   timestamps -> ticks since time zero
        |     picture/thinning.py   which pictures are kept, and when they are shown
        |     picture/colour.py     upright sRGB (display.py), square pixels (hdr.py: PQ and HLG)
        |     --> VideoFrame
        |
        +-- sound packets ----> sound/packets.py: Decoding or Copying
              sound/mixing.py       channels of any number and place as one or two
              sound/clock.py        decoded sound without holes or drift    --> AudioBlock
              sound/opus_copy.py    Opus packets moved in sync, not decoded --> AudioPacket

picture/frames.py gives the same from pictures in memory, picture/probe.py looks at a file without keeping anything, and
sound/source.py reads sound alone.

The way out:

    RGB, samples or Opus packets --> out/sink.py: VideoSink --> out/tracks.py: one track each --> out/atomic.py --> file
                                       out/targets.py: what an output may be; out/pending.py: until it has its name

Besides: sound/opus_codec.py codes and decodes Opus (opus_bytes.py: what its bytes say), still/stills.py AVIF stills
(avif_size.py: how large they are), still/picture_file.py portraits that a user gives (other.py, levels.py, kinds.py),
items.py the values that travel, system.py the system's errors
and faults.py libav's as MediaError.
Import names from the modules; this package imports nothing by itself.
"""
