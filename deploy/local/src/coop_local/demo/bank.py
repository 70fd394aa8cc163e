"""The demo organisation's matching banks, as data."""

from __future__ import annotations

from typing import Any, Final

TEXT_BANKS: Final[list[dict[str, Any]]] = [
    {
        "name": "Scam phrases",
        "type": "STRING",
        "description": "What the plainest scams say.",
        "strings": [
            "claim now",
            "you have won",
            "you won",
            "prize",
            "free entry",
            "guaranteed",
            "lottery",
            "cash in your account",
            "awarded",
            "selected to receive",
            "unclaimed",
            "free gift",
            "prize draw",
            "risk free",
        ],
    },
    {
        "name": "Premium-rate patterns",
        "type": "REGEX",
        "description": "Asks to text or call a costly number.",
        "strings": [
            r"\b(text|txt|send|reply)\b.{0,60}\b(to|2)\s*\d{4,6}\b",
            r"\bcall\b.{0,40}\b0?(90|87|80)\d{6,9}\b",
            r"\d(\.\d\d)?\s*(p|£|eur)?\s*(/|per)\s*(msg|min|wk|week)",
        ],
    },
    {
        "name": "Insults",
        "type": "STRING",
        "description": "Words that mostly hurt.",
        "strings": ["idiot", "loser", "stupid clown", "shut up", "i hate you"],
    },
    {
        "name": "Threats",
        "type": "STRING",
        "description": "How threats were said before.",
        "strings": [
            "i will wait for you after the show",
            "you will see what happens",
            "i know where you live",
            "i will find you and your family",
            "a gente resolve do nosso jeito",
        ],
    },
    {
        "name": "Payment before goods",
        "type": "STRING",
        "description": "What swindlers ask for on the market.",
        "strings": [
            "payment before shipping",
            "pay half now",
            "gift card codes",
            "write to my number",
            "no meeting",
        ],
    },
    {
        "name": "Pills, loans, chats",
        "type": "STRING",
        "description": "What is sold to everybody.",
        "strings": [
            "without prescription",
            "cash loans",
            "hot singles",
            "hot local",
            "kill your debt",
            "cleaner now",
            "pay the fee",
        ],
    },
    {
        "name": "Gains promised",
        "type": "STRING",
        "description": "Money for nothing.",
        "strings": [
            "double your",
            "while you sleep",
            "get rich",
            "from home",
            "risk-free",
            "in two weeks",
        ],
    },
]
