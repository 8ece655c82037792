-- The tenants tenant-1 … tenant-:tenants, of the users u1 …, that wait for their databases.
SELECT count(t) FROM generate_series(1, :tenants) AS i
  CROSS JOIN LATERAL latchkey.find_user('u' || i || '@example.org') AS u
  CROSS JOIN LATERAL latchkey.create_tenant(u.id, 'Tenant ' || i, 'tenant-' || i, 'store', provision => true) AS t;
CREATE TABLE bench_hosts (id integer PRIMARY KEY, host text NOT NULL);
CREATE TABLE bench_host_keys (host text PRIMARY KEY, tenant_id uuid NOT NULL);
VACUUM ANALYZE;
