"""A stand-in for NCMEC's CyberTipline Reporting API on this machine.

request ─▶ planned fault? ─▶ credentials ─▶ form ─▶ document ─▶ rules ─▶ report's state ─▶ answer
                                                                              └▶ journal

Guarantees: what the interface documents (order of calls, codes, ends of open reports), faults as
they are planned, a journal of every call; what is uploaded is counted and forgotten.
Must not: be reachable from another machine, or keep a byte of a file.
"""
