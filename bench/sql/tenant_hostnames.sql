-- :each verified hostnames for every tenant, as the extension itself stores them, and a plain table that answers the same.
INSERT INTO latchkey.tenant_hostnames (tenant_id, hostname, dns_token, is_primary, created_at, verified_at)
SELECT t.id, t.slug || '-' || i || '.example.org', 'seeded', i = 1, now(), now()
FROM latchkey.tenants AS t, generate_series(1, :each) AS i
ON CONFLICT DO NOTHING;
TRUNCATE bench_hosts, bench_host_keys;
INSERT INTO bench_hosts SELECT row_number() OVER (ORDER BY hostname), hostname FROM latchkey.tenant_hostnames;
INSERT INTO bench_host_keys SELECT hostname, tenant_id FROM latchkey.tenant_hostnames;
VACUUM ANALYZE latchkey.tenant_hostnames;
VACUUM ANALYZE bench_hosts;
VACUUM ANALYZE bench_host_keys;
