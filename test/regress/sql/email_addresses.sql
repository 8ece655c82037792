-- E-mail addresses: which are refused, which are one, and which look alike but are not.
CREATE TABLE regress.addresses (description text, address text);
INSERT INTO regress.addresses VALUES
  ('empty', ''), ('space', ' '), ('no @', 'ann.example.com'), ('two @', 'ann@b@example.com'), ('no local part', '@example.com'),
  ('no domain', 'ann@'), ('one label', 'ann@localhost'), ('label starts with -', 'ann@-example.com'), ('label ends with -', 'ann@example-.com'),
  ('dots in the domain', 'ann@example..com'), ('domain starts with a dot', 'ann@.example.com'), ('domain ends with a dot', 'ann@example.com.'),
  ('dots in the local part', 'ann..b@example.com'), ('local part starts with a dot', '.ann@example.com'), ('local part ends with a dot', 'ann.@example.com'),
  ('display name', 'Ann <ann@example.com>'), ('quoted', '"ann"@example.com'), ('comment', 'ann(x)@example.com'), ('list', 'ann@example.com,bob@example.com'),
  ('address literal', 'ann@[192.0.2.1]'), ('underscore in the domain', 'ann@ex_ample.com'), ('inner space', 'an n@example.com'),
  ('leading space', ' ann@example.com'), ('trailing newline', E'ann@example.com\n'), ('header injection', E'ann@example.com\r\nBcc: x@example.com'),
  ('tab', E'an\tn@example.com'), ('delete', E'an\x7fn@example.com'), ('C1 control', U&'an\0085n@example.com'), ('no-break space', U&'an\00A0n@example.com'),
  ('soft hyphen', U&'an\00ADn@example.com'), ('zero-width space', U&'an\200Bn@example.com'), ('zero-width joiner', U&'an\200Dn@example.com'),
  ('right-to-left override', U&'an\202En@example.com'), ('isolate', U&'an\2066n@example.com'), ('byte order mark', U&'\FEFFann@example.com'),
  ('variation selector', U&'an\FE0Fn@example.com'), ('tag character', U&'an\+0E0041n@example.com'), ('ideographic space', U&'an\3000n@example.com'),
  ('hangul filler', U&'an\3164n@example.com'), ('private use', U&'an\+0F0000n@example.com'), ('full-width @', U&'ann\FF20example.com'),
  ('local part of 65 bytes', repeat('a', 65) || '@example.com'), ('label of 64 bytes', 'ann@' || repeat('b', 64) || '.com'),
  ('255 bytes', repeat('a', 64) || '@' || repeat('b', 63) || '.' || repeat('c', 63) || '.' || repeat('d', 58) || '.com'),
  ('10,000 bytes', repeat('a', 9988) || '@example.com');
SELECT description, regress.error_of(format('SELECT latchkey.register_user(%L)', address)) AS answer FROM regress.addresses;
-- Login and reset don't tell what is wrong with an address.
SELECT (latchkey.login(address, 'whatever it is')).outcome, count(*) FROM regress.addresses GROUP BY 1;
SELECT count(*) FROM regress.addresses, latchkey.request_password_reset(address);

-- Accepted, and kept as given.
SELECT description, (latchkey.register_user(address)).email = address AS as_given
  FROM (VALUES ('plus', 'ann+tag@example.com'), ('specials', '!#$%&''*+-/=?^_`{|}~@example.com'), ('digits', '1@2.example'),
               ('umlaut', 'jürgen@example.com'), ('domain beyond ASCII', 'ann@müller.example'), ('chinese', '用户@例子.广告'),
               ('254 bytes', repeat('a', 64) || '@' || repeat('b', 63) || '.' || repeat('c', 63) || '.' || repeat('d', 57) || '.com'),
               ('punycode', 'ann@xn--mller-kva.example')) AS t (description, address);

-- One address in several spellings: A–Z in either case, composed or decomposed.
SELECT (latchkey.register_user('Caf' || U&'\00E9' || '@Example.com')).email = 'Caf' || U&'\00E9' || '@Example.com' AS as_given;
SELECT description, regress.error_of(format('SELECT latchkey.register_user(%L)', address)) AS answer,
       (SELECT count(*) FROM latchkey.find_user(address)) AS found
  FROM (VALUES ('lower case', 'caf' || U&'\00E9' || '@example.com'), ('upper case', 'CAF' || U&'\00E9' || '@EXAMPLE.COM'),
               ('decomposed', 'cafe' || U&'\0301' || '@example.com')) AS t (description, address);
SELECT (latchkey.register_user('cafe' || U&'\0301' || '2@example.com')).email = 'caf' || U&'\00E9' || '2@example.com' AS stored_composed;

-- Lookalikes that other folding rules would take for one address are different ones: each may register, none finds another.
SELECT (latchkey.register_user('kiss@example.com')).status;
SELECT (latchkey.register_user('strasse@example.com')).status;
SELECT description, (SELECT count(*) FROM latchkey.find_user(address)) AS found, (latchkey.register_user(address)).status
  FROM (VALUES ('dotless i', U&'k\0131ss@example.com'), ('I with a dot', U&'K\0130SS@example.com'), ('long s', U&'ki\017Fs@example.com'),
               ('sharp s', U&'stra\00DFe@example.com'), ('capital sharp s', U&'stra\1E9Ee@example.com'), ('cyrillic', U&'k\0456ss@example.com'),
               ('full-width', U&'\FF4Biss@example.com'), ('capital E with acute', U&'CAF\00C9@example.com'), ('domain with dotless i', U&'kiss@ex\0131mple.com'))
       AS t (description, address);
-- The Kelvin and Ångström signs are K and Å in every normal form: the same address, and mail goes to the stored one.
SELECT description, (SELECT email FROM latchkey.find_user(address)) AS found, regress.error_of(format('SELECT latchkey.register_user(%L)', address)) AS answer,
       (SELECT email FROM latchkey.request_password_reset(address)) AS mailed_to
  FROM (VALUES ('Kelvin sign', U&'\212Aiss@example.com')) AS t (description, address);
SELECT count(*) = count(DISTINCT email_key) AS keys_unique,
       bool_and(email_key = normalize(translate(email, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'), NFC)) AS keys_normal
  FROM latchkey.user_emails e JOIN latchkey.users u ON u.id = e.user_id;
