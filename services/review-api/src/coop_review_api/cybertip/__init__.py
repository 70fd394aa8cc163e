"""Reporting to NCMEC: its settings, and the reports that ncmec-reporter files."""
