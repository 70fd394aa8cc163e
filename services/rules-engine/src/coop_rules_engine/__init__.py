"""Evaluates the rules of an organisation on each submitted item.

    coop.items.v1 ─▶ engine ─┬─▶ coop.rule-results.v1, action-requests, review-requests ◀─┐
        ▲ config topic       └─▶ coop.slow-evaluations.v1 ─▶ slow (media, models) ────────┤
        └ config topic                                       backtest (past items) ───────┘

Must not: have a database. Redis holds what can be rebuilt.
"""
