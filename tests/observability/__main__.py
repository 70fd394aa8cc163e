"""Writes the rules and the dashboards: python -m tests.observability"""

from . import dashboard, rule_file

dashboard.FOLDER.mkdir(parents=True, exist_ok=True)
rule_file.PATH.write_text(rule_file.text(), encoding="utf-8")
for old in dashboard.FOLDER.glob("*.json"):
    old.unlink()
for one in dashboard.DASHBOARDS:
    (dashboard.FOLDER / f"{one.uid}.json").write_text(one.text(), encoding="utf-8")
