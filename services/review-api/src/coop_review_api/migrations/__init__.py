"""The revisions of the schema `review`, in order. A released revision is never edited."""
