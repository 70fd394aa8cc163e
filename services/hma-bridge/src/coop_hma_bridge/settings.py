"""The bridge's settings, from the environment (prefix `COOP_`).

Must not: be read anywhere but in the composition root. Times are seconds.
"""

from __future__ import annotations

from pydantic import Field, SecretStr

from coop_runtime.process.settings import RuntimeSettings


class Settings(RuntimeSettings):
    """What the bridge is told.

    `internal_token` is the secret that review-api shares with it. `hash_batch` records are taken at
    a time; `hash_taken_in` submissions are there at most, `hash_under_way` of them under way, a
    quarter of those of one organisation; of media, `hash_places` are fetched and hashed
    at once, of them `hash_places_of_one` of one organisation. A medium's host has `hash_within`
    seconds, tries included. What an address gave for a submission is remembered for
    `hash_remember`. Changes of banks are
    looked for every `hash_follow` seconds; after `hash_stale` without an answer of the database the
    bridge waits. What was hashed is remembered for `hash_seen_days`, with 0 not at all. With
    `hma_url` (and `hma_token`, a bearer token) the banks of a Hasher-Matcher-Actioner are asked as
    well; `hma_timeout` is that of one question. Exchanges are fetched there: NCMEC's hashes from
    `hma_ncmec_url`, lists from the folder `hma_files` on that machine.
    """

    internal_port: int = Field(default=9091, ge=0, le=65535)
    hash_host: str = "127.0.0.1"
    hash_port: int = Field(default=8085, ge=0, le=65535)
    internal_token: SecretStr = SecretStr("")
    hash_batch: int = Field(default=100, ge=1, le=1000)
    hash_taken_in: int = Field(default=5000, ge=100, le=50_000)
    hash_under_way: int = Field(default=256, ge=4, le=4096)
    hash_places: int = Field(default=16, ge=1, le=256)
    hash_places_of_one: int = Field(default=8, ge=1, le=256)
    hash_within: float = Field(default=30, gt=0, le=300)
    hash_remember: float = Field(default=600, ge=0, le=86_400)
    hash_follow: float = Field(default=0.25, gt=0, le=60)
    hash_stale: float = Field(default=60, gt=0)
    hash_seen_days: int = Field(default=30, ge=0, le=366)
    hma_url: str = ""
    hma_token: SecretStr = SecretStr("")
    hma_timeout: float = Field(default=5, gt=0, le=60)
    hma_ncmec_url: str = ""
    hma_files: str = ""
