"""Rules tried on the past: items read again from the log, judged, counted, acted on if asked."""
