"""Routes of the modules jobs and schedules: who may, what comes back, and what is refused."""
import itertools
import os
import time
import unittest
from urllib.parse import quote

from harness import AdminTest, GatewayTest, sql

NOBODY = "00000000-0000-7000-8000-000000000001"
PLATFORM = "00000000-0000-0000-0000-000000000000"
_numbers = itertools.count(time.time_ns())


def new_type():
    return f"rest{os.getpid()}-{next(_numbers)}"


class JobsTest(AdminTest):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, cls.user, cls.user_id = cls.gateway.register()

    def read(self, target, token=None):
        answer = self.gateway.get("/api/" + target, token or self.admin)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.json

    def send(self, method, target, body=None, token=None):
        return self.gateway.request(method, "/api/" + target, body, token or self.admin)

    def enqueue(self, kind, account=None, **more):
        fields = "".join(f", {name} => {value}" for name, value in more.items())
        return sql(f"SELECT id FROM latchkey.enqueue_job('{kind}', '{{\"n\": 1}}', '{account or self.user_id}'{fields})")

    def claim(self, kind):
        return sql(f"SELECT lease_token FROM latchkey.claim_jobs('{{{kind}}}', 'a worker')")


class QueueMetricsTest(GatewayTest):

    def test_figures_of_the_queue(self):
        """The first scrape asks for them; they are there soon after."""
        job_type = new_type()
        sql(f"SELECT latchkey.enqueue_job('{job_type}') FROM generate_series(1, 3)")
        job, lease = sql(f"SELECT id, lease_token FROM latchkey.claim_jobs('{{{job_type}}}', 'test')").split("|")
        sql(f"SELECT latchkey.fail_job('{PLATFORM}', '{job}', '{lease}', 'no', false)")
        for _ in range(100):
            text = self.gateway.get("/metrics").body.decode()
            if "latchkey_jobs{" in text:
                break
            time.sleep(0.05)
        self.assertIn(f'latchkey_jobs{{type="{job_type}",state="ready"}} 2\n', text)
        self.assertRegex(text, f'latchkey_jobs_oldest_seconds{{type="{job_type}",state="ready"}} [0-9.]+\n')
        self.assertIn(f'latchkey_jobs_finished_last_minute{{type="{job_type}",status="failed"}} 1\n', text)
        self.assertIn(f'latchkey_jobs_failures_last_day{{type="{job_type}",status="failed"}} 1\n', text)
        sql(f"DELETE FROM latchkey.jobs WHERE type = '{job_type}'")


class OwnJobsTest(JobsTest):

    def test_progress(self):
        """What a progress bar of the job's owner shows, from its beginning to its end."""
        kind = new_type()
        job = self.enqueue(kind)
        mine = lambda: self.read("jobs/" + job, self.user)["job"]
        self.assertEqual((mine()["status"], mine()["progress"], mine()["processed"], mine()["result"]), ("pending", 0, None, None))
        lease = f"'{self.user_id}', '{job}', '{self.claim(kind)}'"
        sql(f"SELECT latchkey.report_progress({lease}, 1, 4, '\"page 1\"', '{{\"found\": 3}}')")
        sql(f"SELECT latchkey.report_progress({lease}, 3, result => '[4, 5]')")
        now = mine()
        self.assertEqual((now["status"], now["progress"], now["processed"], now["target"], now["cursor"], now["results"]),
                         ("processing", 75, 3, 4, "page 1", 2))
        results = self.read(f"jobs/{job}/results", self.user)["results"]
        self.assertEqual([(r["position"], r["result"]) for r in results], [(1, {"found": 3}), (2, [4, 5])])
        self.assertEqual(self.read(f"jobs/{job}/results?after=1&limit=1", self.user)["results"], results[1:])
        self.assertEqual(self.read(f"jobs/{job}/results?after=2", self.user)["results"], [])
        sql(f"SELECT latchkey.complete_job({lease}, '{{\"all\": 5}}')")
        over = mine()
        self.assertEqual((over["status"], over["progress"], over["result"]), ("completed", 100, {"all": 5}))
        self.assertIsNotNone(over["finished_at"])
        self.assertEqual(self.read(f"jobs/{job}/results", self.user)["results"], results)

    def test_list(self):
        _, user, user_id = self.gateway.register()
        kind, other = new_type(), new_type()
        made = [self.enqueue(kind, user_id) for _ in range(3)]
        last = self.enqueue(other, user_id)
        listed = lambda where="": [j["id"] for j in self.read("jobs" + where, user)["jobs"]]
        self.assertEqual(listed(), [last, *reversed(made)])
        self.assertEqual(listed("?limit=2"), [last, made[2]])
        self.assertEqual(listed("?after=" + made[2]), [made[1], made[0]])
        self.assertEqual(listed("?type=" + other), [last])
        self.assertEqual(listed("?status=completed"), [])
        self.assertEqual(listed("?account_id=" + user_id), listed())
        self.assertEqual(self.read(f"jobs?account_id={user_id}&type={other}")["jobs"][0]["payload"], {"n": 1})
        for bad in ("limit=0", "limit=1001", "after=1", "status=done", "account_id=me"):
            self.assert_problem(self.gateway.get("/api/jobs?" + bad, user), 400, "invalid_argument")

    def test_of_others(self):
        job = self.enqueue(new_type())
        _, other, other_id = self.gateway.register()
        for target in (f"jobs/{job}", f"jobs/{job}/results"):
            self.assert_problem(self.send("GET", target, token=other), 404, "not_found")
            self.assert_problem(self.send("GET", f"{target}?account_id={self.user_id}", token=other), 403, "forbidden")
            self.assert_problem(self.send("GET", f"{target}?account_id={PLATFORM}", token=other), 403, "forbidden")
        for target in (f"jobs?account_id={self.user_id}", "jobs/all"):
            self.assert_problem(self.send("GET", target, token=other), 403, "forbidden")
        for what in ("cancel", "retry"):  # these take jobs.write, of one's own jobs too
            self.assert_problem(self.send("POST", f"jobs/{job}/{what}", token=self.user), 403, "forbidden")
            body = {"account_id": self.user_id}
            self.assert_problem(self.send("POST", f"jobs/{job}/{what}", body, other), 403, "forbidden")
        self.assertEqual(self.read(f"jobs/{job}", self.user)["job"]["status"], "pending")
        self.assertEqual(self.read(f"jobs?account_id={other_id}")["jobs"], [])


class AdministrationTest(JobsTest):

    def test_all(self):
        kind = new_type()
        made = [self.enqueue(kind), self.enqueue(kind, PLATFORM)]
        listed = self.read(f"jobs/all?type={kind}")["jobs"]
        self.assertEqual([(j["id"], j["account_id"]) for j in listed], [(made[1], PLATFORM), (made[0], self.user_id)])
        self.assertEqual(self.read(f"jobs/all?type={kind}&after={made[1]}&limit=1")["jobs"], listed[1:])
        self.assertEqual(self.read(f"jobs/all?type={kind}&status=failed")["jobs"], [])
        self.assertEqual(self.read(f"jobs/{made[1]}?account_id={PLATFORM}")["job"], listed[0])

    def test_cancel_and_retry(self):
        kind = new_type()
        job, body = self.enqueue(kind), {"account_id": self.user_id}
        act = lambda what: self.send("POST", f"jobs/{job}/{what}", body)
        for _ in range(2):
            answer = act("cancel")
            self.assertEqual((answer.status, answer.json["job"]["status"]), (200, "cancelled"))
        self.assertEqual(self.claim(kind), "")
        self.assertEqual(act("retry").json["job"]["status"], "pending")
        lease = self.claim(kind)
        self.assert_problem(act("retry"), 409, "conflict")
        sql(f"SELECT latchkey.fail_job('{self.user_id}', '{job}', '{lease}', 'it broke', false)")
        failed = self.read(f"jobs/all?status=failed&type={kind}")["jobs"][0]
        self.assertEqual((failed["error"], failed["attempts"]), ("it broke", 1))
        self.assertEqual(act("retry").json["job"]["status"], "pending")
        sql(f"SELECT latchkey.complete_job('{self.user_id}', '{job}', '{self.claim(kind)}')")
        for what in ("cancel", "retry"):
            self.assert_problem(act(what), 409, "conflict")
            self.assert_problem(self.send("POST", f"jobs/{NOBODY}/{what}", body), 404, "not_found")
            self.assert_problem(self.send("POST", f"jobs/1/{what}", body), 400, "invalid_argument")

    def test_rules(self):
        kind = new_type()
        self.addCleanup(sql, f"DELETE FROM latchkey.job_rules WHERE type = '{kind}'")
        made = self.send("PUT", "job-rules/" + kind, {"max_running": 2}).json["rule"]
        self.assertEqual((made["type"], made["group_key"], made["max_running"], made["strict_order"]), (kind, None, 2, False))
        self.assertEqual(self.send("PUT", "job-rules/" + kind, {"group_key": "g", "strict_order": True}).status, 200)
        listed = [(r["group_key"], r["max_running"], r["strict_order"]) for r in self.read("job-rules")["rules"]
                  if r["type"] == kind]
        self.assertCountEqual(listed, [(None, 2, False), ("g", 0, True)])
        self.assertEqual(self.send("DELETE", f"job-rules/{kind}?group_key=g").status, 200)
        self.assertEqual(self.send("DELETE", f"job-rules/{kind}").status, 200)
        self.assert_problem(self.send("DELETE", f"job-rules/{kind}"), 404, "not_found")
        for body in ({"max_running": -1}, {"max_running": 100001}, {"strict_order": "yes"}):
            self.assert_problem(self.send("PUT", "job-rules/" + kind, body), 400, "invalid_argument")
        self.assert_problem(self.send("PUT", "job-rules/" + kind, {"max_running": 1}, self.user), 403, "forbidden")


class SchedulesTest(JobsTest):

    def schedule(self, **body):
        name = new_type()
        answer = self.send("PUT", "schedules/" + name, {"cron": "0 4 * * *", "type": "rest.job", **body})
        self.assertEqual(answer.status, 200, answer.body)
        self.addCleanup(sql, f"DELETE FROM latchkey.job_schedules WHERE name = '{name}'")
        return name, answer.json["schedule"]

    def test_life(self):
        name, made = self.schedule(payload={"a": [1]}, time_zone="Europe/Berlin", priority=5, max_retries=2, timeout="5 minutes",
                                   group_key="g", account_id=self.user_id)
        self.assertEqual({k: made[k] for k in ("name", "cron", "time_zone", "payload", "priority", "max_retries", "timeout",
                                               "group_key", "account_id", "enabled", "last_due_at")},
                         {"name": name, "cron": "0 4 * * *", "time_zone": "Europe/Berlin", "payload": {"a": [1]}, "priority": 5,
                          "max_retries": 2, "timeout": "00:05:00", "group_key": "g", "account_id": self.user_id,
                          "enabled": True, "last_due_at": None})
        self.assertEqual([s for s in self.read("schedules")["schedules"] if s["name"] == name], [made])
        replaced = self.send("PUT", "schedules/" + name, {"cron": "@daily", "type": "rest.job"}).json["schedule"]
        self.assertEqual((replaced["cron"], replaced["time_zone"], replaced["payload"], replaced["account_id"],
                          replaced["timeout"]), ("@daily", "UTC", {}, PLATFORM, None))
        off = self.send("PATCH", "schedules/" + name, {"enabled": False}).json["schedule"]
        self.assertEqual((off["enabled"], off["next_due_at"]), (False, None))
        self.assertIsNotNone(self.send("PATCH", "schedules/" + name, {"enabled": True}).json["schedule"]["next_due_at"])
        self.assertEqual(self.send("DELETE", "schedules/" + name).status, 200)
        self.assert_problem(self.send("DELETE", "schedules/" + name), 404, "not_found")
        self.assert_problem(self.send("PATCH", "schedules/" + name, {"enabled": True}), 404, "not_found")

    def test_runs(self):
        name, _ = self.schedule(cron="* * * * * *", account_id=self.user_id)
        for _ in range(100):
            sql("SELECT latchkey.run_due_schedules()")
            runs = self.read(f"schedules/{name}/runs")["runs"]
            if len(runs) >= 2:
                break
            time.sleep(0.2)
        self.send("PATCH", "schedules/" + name, {"enabled": False})
        self.assertEqual((runs[0]["account_id"], runs[0]["status"]), (self.user_id, "pending"))
        self.assertEqual(self.read(f"jobs/{runs[0]['job_id']}", self.user)["job"]["type"], "rest.job")
        self.assertEqual(self.read(f"schedules/{name}/runs?limit=1&before={quote(runs[0]['due_at'])}")["runs"], runs[1:2])
        self.assertEqual(self.read("schedules/none/runs")["runs"], [])

    def test_refused(self):
        name = new_type()
        for wrong in ({"cron": "61 * * * *"}, {"cron": ""}, {"type": "No"}, {"time_zone": "Mars/Olympus"}, {"timeout": "soon"},
                      {"timeout": "1 millisecond"}, {"timeout": "99999999999 years"}, {"max_retries": 1001}, {"payload": []},
                      {"priority": 1000001}, {"account_id": "me"}, {"enabled": True}):
            answer = self.send("PUT", "schedules/" + name, {"cron": "@daily", "type": "rest.job", **wrong})
            self.assert_problem(answer, 400, "invalid_argument")
        body = {"cron": "@daily", "type": "rest.job"}
        self.assert_problem(self.send("PUT", "schedules/No", body), 400, "invalid_argument", "name")
        self.assertNotIn(name, [s["name"] for s in self.read("schedules")["schedules"]])
        for bad in ("limit=0", "limit=1001", "before=now"):
            self.assert_problem(self.send("GET", f"schedules/{name}/runs?{bad}"), 400, "invalid_argument")
        for method, target, body in (("GET", "schedules", None), ("PUT", "schedules/" + name, body),
                                     ("PATCH", "schedules/" + name, {"enabled": True}), ("DELETE", "schedules/" + name, None),
                                     ("GET", f"schedules/{name}/runs", None), ("GET", "job-rules", None)):
            self.assert_problem(self.send(method, target, body, self.user), 403, "forbidden")


if __name__ == "__main__":
    unittest.main()
