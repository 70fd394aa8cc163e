"""The decision log: what people, rules and the platform's own calls decided, in one order."""
