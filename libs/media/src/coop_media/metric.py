"""What is counted about media."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

FETCHES = Counter(
    "coop_media_fetches_total", "Media asked of platforms, by what became of it.", ["state"]
)
FETCHED_BYTES = Counter("coop_media_fetched_bytes_total", "Bytes of media fetched from platforms.")
DECODES = Counter(
    "coop_media_decodes_total",
    "Orders to the decoder, by outcome: ok, a fault of the file, or crashed (its process ended).",
    ["outcome"],
)
DECODE_SECONDS = Histogram("coop_media_decode_seconds", "Time of an order to the decoder.")
REFUSED = Counter(
    "coop_media_refused_total", "Requests for media turned away because others had all places."
)
