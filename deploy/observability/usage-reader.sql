-- A role for the dashboard "What organisations use": it reads one view, of what each organisation
-- caused on each day, and nothing else. Run by whoever bootstraps the database, after review-api's
-- migrations; then give it a password: \password coop_usage
CREATE ROLE coop_usage LOGIN CONNECTION LIMIT 5;
ALTER ROLE coop_usage SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA review TO coop_usage;
GRANT SELECT ON review.organisation_days TO coop_usage;
-- And, for the database's own name: GRANT CONNECT ON DATABASE coop TO coop_usage;
