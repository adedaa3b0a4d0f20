"""Many files at once: a manifest of tasks, workers on one machine or many, and a ledger of what became of each.

    inputs, options --plan--> manifest.jsonl --Ledger: what is left--> local | cluster: workers, each with a Codec
                                                     ^                      |
                                                     +---- ledger.jsonl <---+ one line an attempt

A task is the same wherever and whenever it runs; what it makes takes its name only when it is whole. So a batch that was stopped,
by whatever, goes on where it was.
"""
