"""ingest: the public HTTP API. Content, reports and appeals in; kept before they are acknowledged.

Guarantees: a 2xx to a submission means that the event log has acknowledged it.
Must not: own a database, decide anything about content, or import another service.
"""
