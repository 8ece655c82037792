-- The floor that verify is held against: one row by its primary key, out of 100,000.
CREATE TABLE key_value (id integer PRIMARY KEY, value text NOT NULL);
INSERT INTO key_value SELECT i, md5(i::text) FROM generate_series(1, 100000) AS i;
VACUUM ANALYZE key_value;
