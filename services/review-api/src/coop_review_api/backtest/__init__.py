"""Trying rules on the past, and acting on it: what was asked for, and what came of it.

api ─▶ request (row and BacktestRequested, one transaction) ─▶ rules-engine
coop.backtest-results.v1 ─▶ result ─▶ counts and samples
"""
