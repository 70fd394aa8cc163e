"""Every item that platforms sent: how it is now, how it was before, and the ways to find it."""
