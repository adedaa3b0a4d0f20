"""A stream watched while it is made, over a channel that loses, doubles and exchanges packets (bitstream_spec/carriage.md).

a stream's bytes --Programme--> Moment --Feed--> packets | pieces               at the sender, one feed a viewer
packets, pieces --Receiver--> items of a valid stream, when they are due        at the viewer
"""
