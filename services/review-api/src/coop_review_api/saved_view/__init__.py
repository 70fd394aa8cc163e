"""Views of a page that somebody saved for everybody."""
