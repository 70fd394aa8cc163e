"""The demonstration: an organisation, a small platform, and the main job without a person."""
