"""The rule language: reads Coop's condition JSON, checks it, compiles all rules of an item type
into one program, evaluates it. Used alike by the rules engine, routing and review-api.

    condition JSON ──parse──▶ ConditionSet ──bound──▶ typed predicates ──compiler──▶ Program
                                  └──check: the same binding, asked when a rule is saved

    queue_choice ─▶ program ─▶ language ─▶ matching ─▶ signal      who may import whom

Must not: do I/O, or import anything but `coop_contracts`.
"""
