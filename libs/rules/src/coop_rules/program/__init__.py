"""All rules of an item type compiled to one program, which evaluates items and explains."""
