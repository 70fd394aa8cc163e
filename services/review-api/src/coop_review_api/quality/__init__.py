"""How good reviewing is: second reviews, golden items, agreement, overturn rates."""
