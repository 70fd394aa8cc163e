"""A platform's media: fetched through the guard, decoded apart, shown as derivatives.

    fetch.py     Fetcher: one URL ─▶ the file in memory, with its type, length and hashes
    stream.py    MediaStream: a piece of a film or a sound, passed on as it is
    decoder.py   Decoders: a file and an order ─▶ facts and a derivative, or a fault
    store.py     DerivativeStore: derivatives at rest, sealed

Guarantees: what a medium is, is said by its first bytes; no decoder runs in the process of who
asks; every wait has a deadline, every size a limit.
Must not: know jobs, people or HTTP; who asks decides who may see what.
"""
