"""How much came, how much was decided, by whom and how fast: figures over time, for dashboards."""
