"""latchkey-gateway import-users: the old product's file, with everything that is wrong in such files."""
import json
import os
import stat
import subprocess
import time
import unittest

from harness import ADMIN_URL, BINARY, Folder, GatewayTest, new_email, sql

# bcrypt, cost 6, of the password "U*U" as published with the crypt_blowfish test vectors at cost 5.
KNOWN_HASH = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"


class ImportTest(GatewayTest):

    def setUp(self):
        self.folder = Folder().__enter__()
        self.addCleanup(self.folder.__exit__)
        self.file = self.folder.path("users.json")

    def run_import(self, content, *flags):
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content, ensure_ascii=False)
        if isinstance(content, str):
            content = content.encode()
        with open(self.file, "wb") as file:
            file.write(content)
        return subprocess.run([BINARY, "import-users", self.file, "--database-url", ADMIN_URL, *flags],
                              capture_output=True, text=True, check=False, timeout=120)

    def rejected(self, name=None):
        with open(name or self.file + ".rejected.json", encoding="utf-8") as file:
            return json.load(file)

    def defects(self):
        """A small file with the defects of real ones; returns it, and how many are good."""
        users = {}
        for i in range(12):
            record = {"id": f"user_{i:05d}", "name": f"Zoë {i}", "tier": "premium",
                      "subscriptionStatus": "active", "stripeCustomerId": f"cus_{time.time_ns():x}" if i % 2 else None,
                      "usage": {"daily": 3, "total": 50}, "createdAt": "2025-03-01T10:00:00.000Z"}
            if i % 3 == 0:
                record["password"] = KNOWN_HASH[:2] + "aby"[i % 9 // 3] + KNOWN_HASH[3:]
            elif i % 3 == 1:
                record["password"] = f"pw-{i:03d}-0123456789"
            users[new_email()] = record
        first = next(iter(users))
        users[first.upper()] = {"name": "Twin", "password": "another-password", "tier": "pro"}
        users["not-an-address"] = {"name": "Nobody", "password": "irrelevant-1"}
        users[new_email()] = {"name": "Odd", "password": "irrelevant-2", "tier": "platinum"}
        users[new_email()] = {"name": "Negative", "password": "irrelevant-3", "usage": {"daily": -4}}
        users[new_email()] = {"name": "Bad Date", "password": "irrelevant-4", "createdAt": "yesterday"}
        users[new_email()] = {"name": "Short", "password": "abc"}
        users[new_email()] = {"password": "irrelevant-5"}
        return {"users": users}

    def test_defects_stop_nothing_and_twice_changes_nothing(self):
        data = self.defects()
        count = len(data["users"])
        first = self.run_import(data)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertRegex(first.stdout, rf"^{count} entries: \d+ imported, \d+ skipped, \d+ rejected")
        self.assertIn("not-an-address", [item["email"] for item in self.rejected()])
        emails = [email for email, record in data["users"].items()
                  if record.get("name", "").startswith("Zoë")]
        for email in emails:
            self.assertEqual(sql(f"SELECT count(*) FROM latchkey.find_user('{email}')"), "1", first.stdout)
        state = "SELECT md5(string_agg(u::text, ',' ORDER BY u::text)) FROM latchkey.users u"
        before = sql(state)
        again = self.run_import(data)
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn(" 0 imported,", again.stdout)
        self.assertEqual(sql(state), before)
        for i, email in enumerate(emails):
            password = "U*U" if i % 3 == 0 else f"pw-{i:03d}-0123456789"
            answer = self.gateway.post("/api/auth/login", {"email": email, "password": password})
            self.assertEqual(answer.status, 401 if i % 3 == 2 else 200, (i, answer.body))

    def test_no_password_in_what_is_written(self):
        data = {"users": {"not-an-address": {"name": "N", "password": "secret-one", "nested":
                                             {"passwordHash": "secret-two", "resetToken": ["secret-three"]}}}}
        done = self.run_import(data)
        self.assertEqual(done.returncode, 0, done.stderr)
        item = self.rejected()[0]
        self.assertEqual((item["position"], item["email"], item["entry"]["name"]),
                         (1, "not-an-address", "N"))
        self.assertNotIn("secret-", json.dumps(item) + done.stdout + done.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.file + ".rejected.json").st_mode), 0o600)

    def test_duplicate_keys_are_not_dropped(self):
        email = new_email()
        record = '{"name":"A","password":"good password 1"}'
        text = '{"users":{"%s":%s,"%s":%s,"%s":{"name":"x","name":"y"}}}' % (email, record, email, record,
                                                                             new_email())
        done = self.run_import(text)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("3 entries: 1 imported, 1 skipped, 1 rejected", done.stdout)
        self.assertIn("twice", self.rejected()[0]["reason"])

    def test_entries_that_spoil_only_themselves(self):
        bad = [b'"%s":{"name":"\\u0000"}', b'"%s":{"name":"\xff"}', b'"%s":{"name":"\\ud800"}', b'"%s":5',
               b'"%s":"text"', b'"%s":[1,[2,{"a":{}}],{}]', b'"%s":null', b'"%s":{"email":"other@example.com"}',
               b'"%s":{"email":{"a":1}}', b'"%s":' + b'{"a":' * 40 + b"1" + b"}" * 40]
        good = new_email()
        members = [part % new_email().encode() for part in bad]
        members.append(b'"%s":{"name":"\\ud83d\\ude00 \\\\u0000","email":"%s"}' % ((good.encode(),) * 2))
        done = self.run_import(b'\xef\xbb\xbf{"version":1,"users":{' + b",".join(members) + b'},"x":{"y":{}}}')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{len(members)} entries: 1 imported, 0 skipped, {len(bad)} rejected", done.stdout)
        self.assertEqual([item["position"] for item in self.rejected()], list(range(1, len(bad) + 1)))
        self.assertEqual(sql(f"SELECT name FROM latchkey.find_user('{good}')"), "\U0001f600 \\u0000")

    def test_layouts(self):
        for wrap in (lambda e, r: {"users": {e: r}}, lambda e, r: {e: r},
                     lambda e, r: [{"email": e, **r}], lambda e, r: {"users": [{"email": e, **r}]}):
            email = new_email()
            done = self.run_import(wrap(email, {"name": "L", "password": "good password 2"}))
            self.assertIn("1 entries: 1 imported", done.stdout, done.stderr)
            self.assertEqual(sql(f"SELECT name FROM latchkey.find_user('{email}')"), "L")

    def test_more_than_a_batch(self):
        data = {new_email(): {"name": str(i)} for i in range(250)}
        done = self.run_import(data)
        self.assertIn("250 entries: 250 imported, 0 skipped, 0 rejected", done.stdout, done.stderr)

    def test_the_run_itself_fails(self):
        for content in ("", "{", '{"users":', "5", '"x"', "nonsense"):
            self.assertEqual(self.run_import(content).returncode, 1)
        self.assertEqual(self.run_import({}, "--database-url", "host=/nonexistent").returncode, 0)
        done = self.run_import({new_email(): {}}, "--database-url", "host=/nonexistent")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the import stopped", done.stderr)
        missing = subprocess.run([BINARY, "import-users", "/nonexistent", "--database-url", "x"],
                                 capture_output=True, text=True, check=False)
        self.assertEqual(missing.returncode, 1)

    def test_a_role_without_the_right(self):
        gateway_url = os.environ["LATCHKEY_TEST_DATABASE_URL"]
        done = self.run_import({new_email(): {}}, "--database-url", gateway_url)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("permission denied", done.stderr)

    def test_where_rejected_entries_go(self):
        other = self.folder.path("other.json")
        self.run_import({"x": {}}, "--rejected", other)
        self.assertEqual(len(self.rejected(other)), 1)


if __name__ == "__main__":
    unittest.main()
