"""The internal API, for review-api: what banks hold, and what is in them."""
