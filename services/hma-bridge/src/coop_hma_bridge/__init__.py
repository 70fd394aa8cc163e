"""hma-bridge: known media are found among what platforms send.

items, reports (stamped) ─▶ subscription ─▶ medium ─▶ fetch, hash ─▶ match ─▶ media-signals
                                                        coop_media      │
   PostgreSQL, schema hashes ─▶ follower ─▶ book (an index in memory) ◀─┤ embedded
                                Hasher-Matcher-Actioner ◀───────────────┘ COOP_HMA_URL
"""
