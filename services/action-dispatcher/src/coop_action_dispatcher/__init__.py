"""Delivers decisions to the platform: each requested action becomes one signed webhook.

Guarantees: an execution id is one delivery however often it is requested; a delivery ends as
DELIVERED or DEAD and is never forgotten before; the webhooks of one item leave in order; nothing
leaves unsigned.
Must not: decide anything. What is to be done, to which item and why is in the request.
"""
