"""What may stand in a body, and what is refused: by name, with the right status, and without a trace."""
import json
import unittest

from harness import JSON, PASSWORD, GatewayTest, new_email, sql

LOGIN = "/api/auth/login"


class BodyTest(GatewayTest):

    def refused(self, body, part=None, path=LOGIN):
        if isinstance(body, str):
            body = body.encode()
        answer = self.gateway.post(path, body)
        self.assert_problem(answer, 400, "invalid_argument", part)

    def test_not_an_object(self):
        for body in ("[]", "1", '"x"', "null", "true", "1.5", '[{"email":"a"}]'):
            self.refused(body, "must be a JSON object")

    def test_not_json(self):
        for body in ("{", "}", "{]", "{'a':1}", '{"email":}', '{"email":"a",}', "x", "{} {}",
                     '{"email" "a"}', "\ufeff{", '{"a":01}', '{"a":NaN}', "{\"email\":\"a\nb\"}", " "):
            self.refused(body)

    def test_missing_fields(self):
        self.refused("{}", '"email" is missing')
        self.refused('{"email":"a@example.com"}', '"password" is missing')
        self.refused(b"", '"email" is missing')

    def test_unknown_fields(self):
        self.refused('{"email":"a","password":"b","extra":1}', '"extra" is not known')
        self.refused(json.dumps({"x" * 500: 1}), "a field is not known")
        self.refused('{"Email":"a"}', '"Email" is not known')
        self.refused('{"\\u0000":1}')

    def test_duplicate_fields(self):
        self.refused('{"email":"a","email":"b","password":"c"}', '"email" is given twice')
        self.refused('{"email":"a","\\u0065mail":"b"}', '"email" is given twice')
        body = '{"email":"%s","password":"%s","profile":{"a":1,"a":2}}' % (new_email(), PASSWORD)
        self.refused(body, '"profile" has a member twice', "/api/auth/register")

    def test_wrong_types(self):
        for value in ("1", "1.5", "true", "false", "null", "{}", "[]", "-1", "1e300", str(2**70)):
            self.refused('{"email":%s,"password":"x"}' % value, '"email" must be a string')
        for value in ("1", '"x"', "[]", "true"):
            body = '{"email":"%s","password":"%s","profile":%s}' % (new_email(), PASSWORD, value)
            self.refused(body, '"profile" must be an object', "/api/auth/register")

    def test_lengths(self):
        self.refused('{"email":"","password":"x"}', '"email" must not be empty')
        self.refused(json.dumps({"email": "a" * 255, "password": "x"}), "longer than 254")
        self.refused(json.dumps({"email": "a@b.cd", "password": "x" * 1025}), "longer than 1024")
        # Characters count, not bytes: this one reaches the database, which finds no such user.
        answer = self.gateway.post(LOGIN, {"email": "ü" * 200 + "@example.com", "password": "x" * 8})
        self.assertIn(answer.status, (400, 401))

    def test_invalid_utf8_and_control_characters(self):
        for raw in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc0\x80", b"\x00",
                    b"\x01", b"\n", b"\\ud800", b"\\udc00\\ud800", b"\\x00", b"\\u00"):
            self.refused(b'{"email":"a' + raw + b'","password":"x"}')
        self.refused(b'{"email":"a\\u0000","password":"x"}', "U+0000")
        for profile in (b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'{"a":["\\u0000"]}'):
            body = b'{"email":"' + new_email().encode() + b'","password":"' + PASSWORD.encode()
            self.refused(body + b'","profile":' + profile + b"}", "U+0000", "/api/auth/register")

    def test_depth(self):
        for depth, fine in ((31, True), (32, True), (33, False), (5000, False)):
            profile = '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1)
            body = '{"email":"%s","password":"%s","profile":%s}' % (new_email(), PASSWORD, profile)
            if fine:
                answer = self.gateway.post("/api/auth/register", body.encode())
                self.assertEqual(answer.status, 200, answer.body)
            else:
                self.refused(body, "deeper", "/api/auth/register")
        self.refused('{"email":' + "[" * 30000)

    def test_size(self):
        head = b'{"email":"a@example.com","password":"'
        for size, status in ((65536, 400), (65537, 413)):
            body = head + b"x" * (size - len(head) - 2) + b'"}'
            self.assertEqual(self.gateway.post(LOGIN, body).status, status)
        # Refused by its head: the body need not be sent.
        answer = self.gateway.raw(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\n"
                                  b"Content-Length: 99999999999999999999\r\n\r\n")
        self.assertIn(b"413 Payload Too Large", answer)

    def test_media_type(self):
        body = json.dumps({"email": new_email(), "password": PASSWORD}).encode()
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "",
                     "application/jsonx", "application/json/x"):
            answer = self.gateway.post(LOGIN, body, headers={"Content-Type": kind})
            self.assert_problem(answer, 415, "unsupported_media_type")
        for kind in ("application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"):
            answer = self.gateway.post(LOGIN, body, headers={"Content-Type": kind})
            self.assertEqual(answer.status, 401, answer.body)

    def test_routes_without_a_body(self):
        _, token, _ = self.gateway.register()
        for body, status in ((b"{}", 200), (b"", 200), (b'{"a":1}', 400), (b"[]", 400)):
            answer = self.gateway.request("GET", "/api/auth/verify", body, token, dict(JSON))
            self.assertEqual(answer.status, status, (body, answer.body))

    def test_refused_requests_leave_no_trace(self):
        email = new_email()
        for extra in ('"tier":"pro"', '"profile":{"a":1,"a":1}', '"name":"\\u0000"', '"name":1'):
            self.gateway.post("/api/auth/register",
                              ('{"email":"%s","password":"%s",%s}' % (email, PASSWORD, extra)).encode())
        self.assertEqual(sql(f"SELECT count(*) FROM latchkey.find_user('{email}')"), "0")

    def test_sql_is_data(self):
        for text in ("'; DROP TABLE latchkey.users; --", "$1", "\\", "%s", "a' OR '1'='1"):
            answer = self.gateway.post(LOGIN, {"email": text, "password": text})
            self.assertIn(answer.status, (400, 401), answer.body)
        self.gateway.register(name="Robert'); DROP TABLE latchkey.users; --")
        self.assertEqual(sql("SELECT to_regclass('latchkey.users') IS NOT NULL"), "t")


if __name__ == "__main__":
    unittest.main()
