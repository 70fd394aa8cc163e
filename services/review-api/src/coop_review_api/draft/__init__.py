"""Drafts: what a reviewer has entered for a job, kept until it is decided."""
