"""Events, topics, configuration documents, ids, errors, permissions and addresses of Coop.

Guarantees: data only. Nothing here opens a socket, a file of the user's or a database, so that
every service and tool can depend on it. JSON is camelCase on every wire, Python snake_case.
"""
