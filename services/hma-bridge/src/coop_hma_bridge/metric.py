"""What is counted of hashing and matching.

Must not: carry a label whose values the outside world chooses (hosts, organisations).
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from coop_runtime.process.level import Level

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

SUBMISSIONS = Counter(
    "coop_hash_submissions_total",
    "Submissions of which the media were said: `item` or `report`.",
    ["kind"],
)
GIVEN_UP = Counter(
    "coop_hash_given_up_total",
    "Submissions that went to the dead letters: it was said that nothing is known of their media.",
)
MEDIA = Counter(
    "coop_hash_media_total",
    "Media by what became of them: `hashed`, `remembered` (asked for a moment ago), `flat` "
    "(nothing to compare), or their fault (`gone`, `too-large`, `not-media`, `unreachable`, "
    "`broken`, `too-many`).",
    ["outcome"],
)
SEEN = Counter(
    "coop_hash_seen_total",
    "Media that were hashed and are remembered as seen (`kept`), or are not, because the database "
    "was away for too long (`lost`): a hash that is added later does not find those.",
    ["outcome"],
)
MATCHES = Counter(
    "coop_hash_matches_total", "Banks that a medium was found in, by algorithm.", ["algorithm"]
)
SECONDS = Histogram(
    "coop_hash_medium_seconds",
    "Time from taking up a medium to its hashes, waiting for a place left out.",
    buckets=_SECONDS,
)
LOOKUP_SECONDS = Histogram(
    "coop_hash_lookup_seconds",
    "Time of looking one medium up in the banks.",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0),
)
WAITS = Counter(
    "coop_hash_waits_total",
    "Times that a medium waited because of us: `banks` (they are not known), `hma` (it does not "
    "answer), `network` (no host answers), `busy`.",
    ["cause"],
)
WAITING = Level(
    "coop_hash_waiting_media",
    "Media that wait because of us: nothing is said of them, and they are matched afterwards.",
    together="sum",
    gone="0 once what was waited for is back",
)
ENTRIES = Level(
    "coop_hash_entries",
    "Hashes that are matched against.",
    measured=True,
    together="each",
    gone="stays: it is matched on",
)
STALE_SECONDS = Level(
    "coop_hash_stale_seconds",
    "Time since the banks' entries were last known to be whole.",
    measured=True,
    together="each",
    gone="grows while the database is away",
)
