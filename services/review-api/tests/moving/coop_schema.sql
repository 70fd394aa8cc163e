-- A database in Coop's form, of our own making: what its description says of tables, columns and
-- types, without functions, triggers, views, foreign keys and checks, which a reader has no use for.

CREATE SCHEMA manual_review_tool;
CREATE SCHEMA ncmec_reporting;
CREATE SCHEMA reporting_rules;
CREATE SCHEMA signal_auth_service;
CREATE SCHEMA user_management_service;

CREATE TYPE public.item_type_kind AS ENUM ('CONTENT', 'USER', 'THREAD');
CREATE TYPE public.login_method_enum AS ENUM ('password', 'saml');

CREATE TABLE public."SequelizeMeta" (name varchar(255) PRIMARY KEY);
CREATE TABLE public.orgs (
    id varchar(255) PRIMARY KEY, email varchar(255), name varchar(255), website_url varchar(255),
    on_call_alert_email varchar(255), api_key_id varchar(255),
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE public.org_settings (
    org_id varchar(255) PRIMARY KEY, partial_items_endpoint varchar(255),
    partial_items_request_headers jsonb, has_reporting_rules_enabled bool DEFAULT false,
    has_appeals_enabled bool DEFAULT false, appeal_callback_url text,
    appeal_callback_headers jsonb, appeal_callback_body jsonb,
    allow_multiple_policies_per_action bool DEFAULT false, user_strike_ttl_days int DEFAULT 90,
    saml_enabled bool NOT NULL DEFAULT false, sso_url varchar(255), cert text,
    is_demo_org bool NOT NULL DEFAULT false, show_usage_statistics bool DEFAULT false);
CREATE TABLE manual_review_tool.manual_review_tool_settings (
    org_id varchar(255) PRIMARY KEY, requires_policy_for_decisions bool NOT NULL DEFAULT false,
    mrt_requires_decision_reason_on_action bool NOT NULL DEFAULT false,
    mrt_requires_decision_reason_on_ignore bool NOT NULL DEFAULT false,
    hide_skip_button_for_non_admins bool DEFAULT false, ignore_callback_url varchar(255),
    preview_jobs_view_enabled bool NOT NULL DEFAULT false);
CREATE TABLE user_management_service.org_default_user_interface_settings (
    org_id varchar(255) PRIMARY KEY, moderator_safety_mute_video bool NOT NULL DEFAULT true,
    moderator_safety_grayscale bool NOT NULL DEFAULT true,
    moderator_safety_sepia bool NOT NULL DEFAULT false,
    moderator_safety_blur_level int NOT NULL DEFAULT 2);
CREATE TABLE user_management_service.user_interface_settings (
    user_id varchar(255) PRIMARY KEY, moderator_safety_mute_video bool,
    moderator_safety_grayscale bool, moderator_safety_sepia bool, moderator_safety_blur_level int,
    mrt_chart_configurations jsonb[]);
CREATE TABLE public.user_strike_thresholds (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id varchar(255), threshold int,
    actions varchar(255)[], action_parameters jsonb NOT NULL DEFAULT '{}');
CREATE TABLE public.api_keys (
    id uuid PRIMARY KEY, org_id varchar(255), key_hash varchar(255) UNIQUE, name varchar(255),
    description text, is_active bool, last_used_at timestamptz, created_by varchar(255),
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE public.signing_keys (org_id varchar(255) PRIMARY KEY, key_data jsonb NOT NULL);

CREATE TABLE public.item_types (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    kind item_type_kind, fields jsonb[], is_default_user bool DEFAULT false,
    creator_id_field varchar(255), thread_id_field varchar(255), parent_id_field varchar(255),
    created_at_field varchar(255), display_name_field varchar(255), is_deleted_field varchar(255),
    profile_icon_field varchar(255), background_image_field varchar(255),
    ip_address_field varchar(255), email_field varchar(255),
    sys_period tstzrange NOT NULL DEFAULT tstzrange('2026-07-01 10:00:00.123456+00', null),
    created_at timestamptz DEFAULT now());
CREATE TABLE public.item_types_history (LIKE public.item_types INCLUDING DEFAULTS);
ALTER TABLE public.item_types_history DROP COLUMN created_at;
CREATE TABLE manual_review_tool.manual_review_hidden_item_fields (
    org_id varchar(255), item_type_id varchar(255), hidden_fields text[],
    PRIMARY KEY (org_id, item_type_id));
CREATE TABLE public.policies (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), parent_id varchar(255),
    policy_text varchar, enforcement_guidelines varchar, policy_type varchar, penalty varchar
    DEFAULT 'NONE', semantic_version int DEFAULT 1, user_strike_count int DEFAULT 1,
    apply_user_strike_count_config_to_children bool DEFAULT false,
    sys_period tstzrange DEFAULT tstzrange(now(), null));
CREATE TABLE public.actions (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    action_type varchar, callback_url varchar(255), callback_url_headers jsonb,
    callback_url_body jsonb, applies_to_all_items_of_kind item_type_kind[] DEFAULT '{}',
    apply_user_strikes bool DEFAULT false, penalty varchar DEFAULT 'NONE',
    custom_mrt_api_params jsonb[] DEFAULT '{}', sys_period tstzrange);
CREATE TABLE public.actions_and_item_types (
    action_id varchar(255), item_type_id varchar(255), sys_period tstzrange,
    PRIMARY KEY (action_id, item_type_id));
CREATE TABLE public.text_banks (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    type varchar, strings varchar(2000)[], owner_id varchar(255));
CREATE TABLE public.location_banks (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    owner_id varchar(255), full_places_api_responses jsonb[]);
CREATE TABLE public.location_bank_locations (
    id varchar(255) PRIMARY KEY, bank_id varchar(255), name varchar(255), geometry jsonb,
    bounds jsonb, google_place_info jsonb, created_at timestamptz DEFAULT now());
CREATE TABLE public.hash_banks (
    id serial PRIMARY KEY, org_id varchar(255), name varchar(255), hma_name varchar(255),
    description text, enabled_ratio double precision DEFAULT 1.0, source varchar(255));
CREATE TABLE public.rules (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    status_if_unexpired varchar(255), expiration_time timestamptz, rule_type varchar
    DEFAULT 'CONTENT', tags varchar(255)[] DEFAULT '{}', max_daily_actions int,
    condition_set jsonb, daily_actions_run int DEFAULT 0, last_action_date date,
    alarm_status varchar, alarm_status_set_at timestamptz, parent_id varchar(255),
    rate_limit_config jsonb, creator_id varchar(255), sys_period tstzrange);
CREATE TABLE public.rules_and_item_types (
    rule_id varchar(255), item_type_id varchar(255), PRIMARY KEY (rule_id, item_type_id));
CREATE TABLE public.rules_and_policies (
    rule_id varchar(255), policy_id varchar(255), PRIMARY KEY (rule_id, policy_id));
CREATE TABLE public.rules_and_actions (
    rule_id varchar(255), action_id varchar(255), action_parameters jsonb,
    PRIMARY KEY (rule_id, action_id));
CREATE TABLE reporting_rules.reporting_rules (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    status varchar, creator_id varchar(255), condition_set jsonb);

CREATE TABLE manual_review_tool.manual_review_queues (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    is_default_queue bool DEFAULT false, is_appeals_queue bool DEFAULT false,
    auto_close_jobs bool DEFAULT false, clear_reports_disposition varchar(64),
    clear_reports_scope varchar(64) DEFAULT 'CURRENT_QUEUE',
    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
CREATE TABLE manual_review_tool.queues_and_hidden_actions (
    queue_id varchar(255), action_id varchar(255), org_id varchar(255),
    PRIMARY KEY (queue_id, action_id));
CREATE TABLE manual_review_tool.queues_and_clear_reports_trigger_actions (
    queue_id varchar(255), action_id varchar(255), org_id varchar(255),
    PRIMARY KEY (queue_id, action_id));
CREATE TABLE manual_review_tool.users_and_accessible_queues (
    user_id varchar(255), queue_id varchar(255), PRIMARY KEY (user_id, queue_id));
CREATE TABLE manual_review_tool.users_and_favorite_mrt_queues (
    user_id varchar(255), queue_id varchar(255), org_id varchar(255),
    PRIMARY KEY (user_id, queue_id));
CREATE TABLE manual_review_tool.routing_rules (
    id varchar(255) PRIMARY KEY, org_id varchar(255), name varchar(255), description varchar(255),
    status varchar DEFAULT 'LIVE', sequence_number int, condition_set jsonb,
    destination_queue_id varchar(255), creator_id varchar(255), sys_period tstzrange);
CREATE TABLE manual_review_tool.appeals_routing_rules (
    LIKE manual_review_tool.routing_rules INCLUDING ALL);
CREATE TABLE manual_review_tool.routing_rules_to_item_types (
    routing_rule_id varchar(255), item_type_id varchar(255));
CREATE TABLE manual_review_tool.appeals_routing_rules_to_item_types (
    appeals_routing_rule_id varchar(255), item_type_id varchar(255));
CREATE TABLE manual_review_tool.job_creations (
    id text PRIMARY KEY, org_id varchar(255), queue_id varchar(255), item_id text,
    item_type_id text, enqueue_source_info jsonb, policy_ids text[]);
CREATE TABLE manual_review_tool.manual_review_decisions (
    id uuid PRIMARY KEY, org_id varchar(255), job_payload jsonb, queue_id varchar(255),
    reviewer_id varchar(255), decision_components jsonb[], related_actions jsonb[] DEFAULT '{}',
    decision_reason text, created_at timestamptz DEFAULT now());
CREATE TABLE manual_review_tool.job_comments (
    id varchar(255) PRIMARY KEY, job_id text, org_id varchar(255), author_id varchar(255),
    comment_text text, created_at timestamptz DEFAULT now());

CREATE TABLE public.users (
    id varchar(255) PRIMARY KEY, org_id varchar(255), email varchar(255) UNIQUE,
    first_name varchar(255), last_name varchar(255), password varchar(255),
    login_methods login_method_enum[] DEFAULT '{password}', role varchar(255) DEFAULT 'ADMIN',
    role_id uuid, approved_by_admin bool DEFAULT false, rejected_by_admin bool DEFAULT false,
    created_at timestamptz DEFAULT now());
CREATE TABLE public.roles (
    id uuid PRIMARY KEY, org_id varchar(255), key varchar(255), display_name varchar(255),
    description text, is_system bool DEFAULT true);
CREATE TABLE public.role_permissions (role_id uuid, permission varchar(255));

CREATE TABLE ncmec_reporting.ncmec_org_settings (
    org_id varchar(255) PRIMARY KEY, username varchar(255), password varchar(255),
    contact_email varchar(255), more_info_url varchar(255), company_template varchar(255),
    legal_url varchar(255), ncmec_preservation_endpoint varchar(255),
    ncmec_additional_info_endpoint varchar(255), default_ncmec_queue_id varchar(255),
    terms_of_service text, contact_person_email varchar(255),
    contact_person_first_name varchar(255), contact_person_last_name varchar(255),
    contact_person_phone varchar(50), default_internet_detail_type varchar(50),
    media_review_requirement varchar(16), min_media_to_review int,
    actions_to_run_upon_report_creation varchar(255)[],
    policies_applied_to_actions_run_on_report_creation varchar(255)[]);
CREATE TABLE ncmec_reporting.ncmec_reports (
    report_id varchar(255) PRIMARY KEY, org_id varchar(255), report_xml text);
CREATE TABLE signal_auth_service.open_ai_configs (org_id varchar(255), api_key varchar(255));
CREATE TABLE signal_auth_service.google_content_safety_configs (
    org_id varchar(255), api_key varchar(255));
CREATE TABLE signal_auth_service.zentropi_configs (
    org_id varchar(255), api_key varchar(255), labeler_versions jsonb);
CREATE TABLE signal_auth_service.integration_configs (
    org_id varchar(255), integration_id varchar(255), config jsonb);
