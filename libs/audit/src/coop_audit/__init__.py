"""The chain of the audit log, read from outside the service that writes it.

chain     whether each row is as it was written, and stands where it was written
witness   what is known of the chain from outside: anchors under the operator's key, their ledger
"""
