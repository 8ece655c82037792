"""Routes of the module events: the feed, histories, and who may read them."""
import itertools
import os
import time
import unittest
from urllib.parse import quote

from harness import AdminTest, new_tenant, sql

_numbers = itertools.count(time.time_ns())


def new_kind():
    return f"rest{os.getpid()}_{next(_numbers)}"


class EventsTest(AdminTest):

    def read(self, target, member="events"):
        answer = self.gateway.get("/api/events" + target, self.admin)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["cache-control"], "no-store")
        return answer.json[member]

    def record(self, kind, count, key="1", **more):
        """Each in a transaction of its own."""
        fields = "".join(f", {name} => {value}" for name, value in more.items())
        return [sql(f"SELECT id FROM latchkey.record_event('{kind}', '{key}', '{kind}.made', '{{\"n\": {i}}}'{fields})")
                for i in range(count)]

    def test_feed(self):
        kind = new_kind()
        made = self.record(kind, 5)
        where = f"?aggregate={kind}"
        page = self.read(where + "&limit=2")
        self.assertEqual([e["id"] for e in page], made[:2])
        rest = self.read(f"{where}&after={page[1]['position']}")
        self.assertEqual([e["id"] for e in rest], made[2:])
        self.assertEqual(self.read(f"{where}&after={rest[-1]['position']}"), [])
        self.assertEqual((page[1]["data"], page[1]["aggregate_id"], page[1]["type"], page[1]["source"], page[1]["version"]),
                         ({"n": 1}, "1", kind + ".made", "application", 1))
        for pattern, found in ((kind + ".made", 5), (kind + ".*", 5), (kind + ".other", 0)):
            self.assertEqual(len(self.read(f"{where}&type={pattern}")), found)

    def test_times(self):
        kind = new_kind()
        self.record(kind, 2)
        time.sleep(0.01)
        between = sql("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD\"T\"HH24:MI:SS.USOF\":00\"')")
        time.sleep(0.01)
        self.record(kind, 1)
        where = f"?aggregate={kind}"
        first, second, third = self.read(where)
        early, late = f"&before={quote(between)}", f"&from={quote(between)}"
        self.assertEqual(self.read(where + early), [first, second])
        self.assertEqual(self.read(where + late), [third])
        self.assertEqual(self.read(where + late + "&before=2020-01-01T00:00:00Z"), [])
        self.assertEqual(self.read(f"{where}{early}&limit=1&after={first['position']}"), [second])

    def test_end(self):
        kind = new_kind()
        self.record(kind, 1)
        end = self.read("/end", "end")
        self.assertEqual(set(end), {"position", "waiting", "waiting_since"})
        after = f"?aggregate={kind}&after={end['position']}"
        self.assertEqual(self.read(after), [])
        made = self.record(kind, 1)
        self.assertEqual([e["id"] for e in self.read(after)], made)

    def test_history(self):
        kind = new_kind()
        made = self.record(kind, 4, "a/b c")
        self.record(kind, 1, "other")
        where = f"/{kind}/{quote('a/b c', safe='')}"
        page = self.read(where + "?limit=3")
        self.assertEqual([e["id"] for e in page], made[:0:-1])
        self.assertEqual([e["id"] for e in self.read(f"{where}?after={page[-1]['id']}")], made[:1])
        self.assertEqual(self.read(f"/{kind}/none"), [])

    def test_consumers(self):
        name = new_kind()
        sql(f"SELECT latchkey.create_event_consumer('{name}', '{{user.*}}')")
        self.addCleanup(sql, f"SELECT latchkey.drop_event_consumer('{name}')")
        consumer = [c for c in self.read("/consumers", "consumers") if c["name"] == name][0]
        self.assertEqual((consumer["types"], consumer["aggregates"], consumer["waiting"], consumer["dead"]),
                         (["user.*"], None, 0, 0))

    def test_refused(self):
        for bad in ("?limit=0", "?limit=1001", "?after=1", "?after=" + "1" * 101, "?type=NO", "?type=", "?aggregate=a.b",
                    "?from=yesterday", "?before=2030-13-01T00:00:00Z", "/user/1?after=x", "/user/1?limit=0"):
            self.assert_problem(self.gateway.get("/api/events" + bad, self.admin), 400, "invalid_argument")

    def test_addresses_of_others(self):
        """events.read within a tenant is not enough: metadata says where other people called from."""
        tenant, kind = new_tenant(), new_kind()
        _, staff, staff_id = self.gateway.register()
        sql(f"SELECT latchkey.grant_role('{staff_id}', 'staff', '{tenant}')")
        sql("SELECT latchkey.bind_request('r', '192.0.2.77'), "
            f"latchkey.record_event('{kind}', '1', '{kind}.made', account_id => '{tenant}')")
        self.assertEqual(self.read(f"/{kind}/1")[0]["metadata"]["client_address"], "192.0.2.77")
        for target in ("", f"?aggregate={kind}", f"/{kind}/1", f"/{kind}/1?account_id={tenant}", f"/user/{staff_id}", "/end",
                       "/consumers"):
            answer = self.gateway.get("/api/events" + target, staff)
            self.assert_problem(answer, 403, "forbidden")
            self.assertNotIn(b"192.0.2.77", answer.body)


if __name__ == "__main__":
    unittest.main()
