-- Hostnames: which tenant a request's host is, and how tenants prove that a hostname is theirs.

INSERT INTO latchkey.permissions (name, module, description, seeded) VALUES
  ('hostnames.read', 'hostnames', 'See a tenant''s hostnames.', true),
  ('hostnames.write', 'hostnames', 'Add, verify and remove a tenant''s hostnames.', true);

INSERT INTO latchkey.settings (key, category, value, default_value, type, minimum, maximum, description, seeded)
SELECT key, 'tenants', value, value, type, minimum, maximum, description, true
  FROM (VALUES
    ('tenants.platform_domain', '', 'text', 0::numeric, 253::numeric,
     'The domain under which every tenant has SLUG.domain without verification, in ASCII; empty: none.'),
    ('tenants.reserved_hostnames',
     '["localhost", "local", "internal", "invalid", "onion", "arpa", "home.arpa"]', 'json', NULL, NULL,
     'Domains that no tenant can add, nor anything below them, as a JSON array.'),
    ('tenants.max_hostnames', '50', 'integer', 1, 10000, 'How many hostnames a tenant can have, verified or not.')
  ) AS seed (key, value, type, minimum, maximum, description);

CREATE TABLE latchkey.tenant_hostnames (
  tenant_id   uuid        NOT NULL,
  hostname    text        NOT NULL,
  dns_token   text        NOT NULL,
  is_primary  boolean     NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL,
  verified_at timestamptz,
  checked_at  timestamptz,
  check_error text,
  CONSTRAINT tenant_hostnames_pkey PRIMARY KEY (tenant_id, hostname),
  CONSTRAINT tenant_hostnames_primary_is_verified CHECK (verified_at IS NOT NULL OR NOT is_primary)
);
COMMENT ON TABLE latchkey.tenant_hostnames IS
  'Hostnames that tenants claim (reference), as A-labels in lower case. Many may claim one; verified it is one tenant''s. '
  'dns_token: what the tenant publishes in DNS, so no secret. check_error: why the last check found nothing.';
CREATE UNIQUE INDEX tenant_hostnames_verified ON latchkey.tenant_hostnames (hostname) WHERE verified_at IS NOT NULL;
CREATE UNIQUE INDEX tenant_hostnames_primary ON latchkey.tenant_hostnames (tenant_id) WHERE is_primary;
-- Only what is verified is in anybody's cache, so a new claim or a failed check is nobody's business.
CREATE TRIGGER invalidate AFTER UPDATE OF verified_at OR DELETE OR TRUNCATE ON latchkey.tenant_hostnames
  FOR EACH STATEMENT EXECUTE FUNCTION latchkey._invalidate();
SELECT pg_catalog.pg_extension_config_dump('latchkey.tenant_hostnames', '');
GRANT SELECT ON latchkey.tenant_hostnames TO latchkey_admin;

CREATE TYPE latchkey.tenant_hostname AS (
  tenant_id uuid, hostname text, is_primary boolean, verified_at timestamptz, dns_name text, dns_value text,
  created_at timestamptz, checked_at timestamptz, check_error text);
COMMENT ON TYPE latchkey.tenant_hostname IS
  'A hostname of a tenant, as A-labels. It is verified by a DNS record of type TXT with name dns_name and value dns_value. '
  'check_error: what the last check found instead.';

CREATE TYPE latchkey.resolved_tenant AS (id uuid, slug text, status text);
COMMENT ON TYPE latchkey.resolved_tenant IS
  'The tenant that a host leads to. Where the host was made of a slug that is not this one, the tenant has been renamed: '
  'redirect.';

CREATE FUNCTION latchkey.add_hostname(tenant_id uuid, hostname text) RETURNS latchkey.tenant_hostname
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_add_hostname';
COMMENT ON FUNCTION latchkey.add_hostname(uuid, text) IS
  'Claims a hostname for the tenant, and returns the DNS record that proves it; again: the same. It is normalised: lower '
  'case, A-labels (UTS 46, not transitional), without port and trailing dot. It leads nowhere before it is verified, and '
  'others may claim it too. Needs hostnames.write there or platform-wide: forbidden (LK403). No hostname, an IP address, a '
  'single label, or below a reserved domain (settings tenants.reserved_hostnames, tenants.platform_domain): '
  'invalid_argument (LK400). Unknown tenant: not_found (LK404). A deleted one, or setting tenants.max_hostnames reached: '
  'conflict (LK410). Event: tenant.hostname_added.';
REVOKE ALL ON FUNCTION latchkey.add_hostname(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.add_hostname(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.verify_hostname(tenant_id uuid, hostname text) RETURNS latchkey.tenant_hostname
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_verify_hostname';
COMMENT ON FUNCTION latchkey.verify_hostname(uuid, text) IS
  'Has the DNS record looked up, by a job of type hostname.verify (account: the tenant; payload: tenant_id, hostname, '
  'dns_name), at most one a minute and hostname; its worker calls record_hostname_check(). Returns the hostname as it is '
  'now. Needs hostnames.write there or platform-wide: forbidden (LK403). Not added: not_found (LK404).';
REVOKE ALL ON FUNCTION latchkey.verify_hostname(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.verify_hostname(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.record_hostname_check(tenant_id uuid, hostname text, dns_values text[], error text DEFAULT NULL)
  RETURNS latchkey.tenant_hostname
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_record_hostname_check';
COMMENT ON FUNCTION latchkey.record_hostname_check(uuid, text, text[], text) IS
  'For workers: what a look-up of dns_name found, the values of its TXT records, or why it found none. With the tenant''s '
  'value among them the hostname is verified from now on; a tenant''s first one is its primary. While it is verified for '
  'another tenant it is not, and check_error says so. A hostname that is verified stays so, whatever is found. Not added: '
  'not_found (LK404). Event: tenant.hostname_verified.';
REVOKE ALL ON FUNCTION latchkey.record_hostname_check(uuid, text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.record_hostname_check(uuid, text, text[], text) TO latchkey_admin, latchkey_worker;

CREATE FUNCTION latchkey.remove_hostname(tenant_id uuid, hostname text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_remove_hostname';
COMMENT ON FUNCTION latchkey.remove_hostname(uuid, text) IS
  'Gives up a hostname: it leads nowhere from the next statement on. Needs hostnames.write there or platform-wide: '
  'forbidden (LK403). Not added: not_found (LK404). Event: tenant.hostname_removed.';
REVOKE ALL ON FUNCTION latchkey.remove_hostname(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.remove_hostname(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.set_primary_hostname(tenant_id uuid, hostname text) RETURNS latchkey.tenant_hostname
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'latchkey_set_primary_hostname';
COMMENT ON FUNCTION latchkey.set_primary_hostname(uuid, text) IS
  'Makes a hostname the one under which the tenant wants to be known. Needs hostnames.write there or platform-wide: '
  'forbidden (LK403). Not added: not_found (LK404). Not verified: conflict (LK410). Event: tenant.primary_hostname_set.';
REVOKE ALL ON FUNCTION latchkey.set_primary_hostname(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.set_primary_hostname(uuid, text) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.list_hostnames(tenant_id uuid) RETURNS SETOF latchkey.tenant_hostname
  LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 5 AS 'MODULE_PATHNAME', 'latchkey_list_hostnames';
COMMENT ON FUNCTION latchkey.list_hostnames(uuid) IS
  'The tenant''s hostnames, by name. Needs hostnames.read there or platform-wide: forbidden (LK403).';
REVOKE ALL ON FUNCTION latchkey.list_hostnames(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.list_hostnames(uuid) TO latchkey_gateway, latchkey_app, latchkey_admin;

CREATE FUNCTION latchkey.resolve_host(host text) RETURNS latchkey.resolved_tenant
  LANGUAGE c STABLE PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'latchkey_resolve_host';
COMMENT ON FUNCTION latchkey.resolve_host(text) IS
  'The tenant of a Host header: by a verified hostname, or as SLUG.domain with setting tenants.platform_domain, whatever '
  'its status but deleted. Null for any other text. From the backend''s memory where it was asked before; right at the next '
  'statement after a change. Writes nothing, and runs on standbys.';
REVOKE ALL ON FUNCTION latchkey.resolve_host(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION latchkey.resolve_host(text) TO latchkey_gateway, latchkey_app, latchkey_admin, latchkey_worker;
