"""What watches Coop, as code: rules of alerts, objectives and dashboards, written by `make
contracts` into the chart's `files`, from where Compose takes them too."""
