"""Evaluates the rules of an organisation on each submitted item.

    coop.items.v1 ─▶ handler ─▶ evaluation ─▶ coop.rule-results.v1
                        ▲                 ├──▶ coop.action-requests.v1
     config topic ─▶ compiler loop        └──▶ coop.review-requests.v1

Must not: have a database, or call anyone but the broker.
"""
