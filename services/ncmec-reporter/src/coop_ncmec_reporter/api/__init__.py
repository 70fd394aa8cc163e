"""The internal API for review-api."""
