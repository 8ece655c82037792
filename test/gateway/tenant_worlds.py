"""A tenant that has something of everything, each thing bearing the tenant's mark, for the tests of isolation."""
import itertools
import json
import uuid

from harness import PASSWORD, new_email, sql
from tenant_shops import Shop, there

UNIT = "isolation_unit"
SERVICE = "isolation"
_numbers = itertools.count(1)


def seed_platform():
    """What the things of all tenants need."""
    sql(f"SELECT latchkey.set_service_cost('{SERVICE}', 1), latchkey.set_plan('isolation', 'Isolation', rank => 1), "
        f"latchkey.set_plan_feature('free', '{UNIT}', 1000)")
    sql("SELECT latchkey.set_setting('webhooks.max_endpoints', '1000'), latchkey.set_setting('tenants.platform_domain', 'shops.test'), "
        "latchkey.set_setting('passwords.argon2_memory_kib', '8192'), latchkey.set_setting('passwords.argon2_passes', '1')")


def unseed_platform():
    sql(f"DELETE FROM latchkey.plan_features WHERE feature = '{UNIT}'; DELETE FROM latchkey.plans WHERE key = 'isolation'")
    sql("DELETE FROM latchkey.webhook_endpoints; DELETE FROM latchkey.webhook_deliveries")
    sql("SELECT latchkey.set_setting('webhooks.max_endpoints', '10'), latchkey.set_setting('tenants.platform_domain', ''), "
        "latchkey.set_setting('passwords.argon2_memory_kib', '19456'), latchkey.set_setting('passwords.argon2_passes', '2')")


class World(Shop):
    """`mark` is in every text of this tenant. `things` are what a client can name; make(thing) makes another one."""

    def __init__(self, template, mark):
        super().__init__(template, mark)
        self.mark = mark
        self.item = "product_id" if template == "pos" else "variant_id"
        for role, (_, user) in self.users.items():
            sql(f"SELECT latchkey.update_profile('{user}', '{mark} {role}')")
        sql(f"SELECT latchkey.update_tenant('{self.id}', name => '{mark} Shop', settings => '{{\"mark\": \"{mark}\"}}')")
        sql(f"SELECT latchkey.grant_credits('{self.id}', 100000, reference => '{mark} grant'), "
            f"latchkey.create_role('{mark}-role', '{{*}}', '{mark} all', '{self.id}'), latchkey.consume('{self.id}', '{UNIT}', 3)")
        self.machine = sql(f"SELECT id FROM latchkey.create_service_account('{mark} machine', '', '{self.id}')")
        self.add_member("admin", "admin")
        self.add_member("outside", "owner")
        self.add_member("custom", mark + "-role")
        self.seed_billing()
        self.sync()
        self.things = {thing: self.make(thing) for thing in self.factories()}
        self.things["delivery_webhook"], self.things["delivery_event"] = self.deliver()
        self.things.update({"tenant": self.id, "slug": self.slug, "host": self.slug + ".shops.test", "mark": mark})

    def factories(self):
        elsewhere = {"pos": ("order", "customer"), "store": ("sale",)}[self.template]
        names = [name.removeprefix("make_") for name in dir(self) if name.startswith("make_")]
        return [name for name in names if name not in elsewhere]

    def make(self, thing):
        return getattr(self, "make_" + thing)()

    def add_member(self, name, role):
        email = new_email()
        user = sql(f"SELECT id FROM latchkey.register_user('{email}', '{PASSWORD}', '{self.mark} {name}')")
        sql(f"SELECT latchkey.grant_role('{user}', '{role}', '{self.id}')")
        self.users[name] = (email, user)

    def seed_billing(self):
        sql(f"INSERT INTO latchkey.billing_transactions (account_id, id, kind, amount_cents, currency, occurred_at, recorded_at, "
            f"stripe_invoice_id) VALUES ('{self.id}', gen_random_uuid(), 'payment', 77, 'eur', now(), now(), 'in_{self.mark}')")
        sql(f"INSERT INTO latchkey.billing_payment_methods VALUES ('{self.id}', 'pm_{self.mark}', '{self.mark}', '4242', 1, 2100, false, "
            f"now(), 'evt_{self.mark}')")
        sql(f"SELECT latchkey.set_stripe_customer('{self.id}', 'cus_{self.mark}')")

    def deliver(self):
        """The webhook and the event of a delivery that has failed for good."""
        webhook, event, job = self.make_webhook(), str(uuid.uuid4()), self.make_dead_job()
        sql("INSERT INTO latchkey.webhook_deliveries (account_id, endpoint_id, event_id, event_account_id, event_recorded_at, event_type, "
            f"job_id, attempts, error, created_at) VALUES ('{self.id}', '{webhook}', '{event}', '{self.id}', now(), 'isolation.tested', "
            f"'{job}', 1, '{self.text()}', now())")
        return webhook, event

    def branch(self):
        """Another tenant, to be used up: what the routes below /api/tenants/{id} name. Its owner is outside."""
        owner = self.users["outside"][1]
        tenant = sql(f"SELECT id FROM latchkey.create_tenant('{owner}', '{self.text()}')")
        return {"tenant": tenant, "user": self.new_member(tenant), "owner": owner,
                "hostname": self.verified_hostname(tenant),
                "invitation": sql(f"SELECT id FROM latchkey.invite_member('{tenant}', '{self.text()}@example.com', 'customer')")}

    def new_member(self, tenant):
        return sql(f"SELECT u.id FROM latchkey.register_user('{self.text()}@example.com', NULL, '{self.text()}') AS u, "
                   f"latchkey.grant_role(u.id, 'customer', '{tenant}')")

    def verified_hostname(self, tenant):
        host = sql(f"SELECT hostname FROM latchkey.add_hostname('{tenant}', '{self.text()}.example')")
        sql(f"UPDATE latchkey.tenant_hostnames SET verified_at = now() WHERE hostname = '{host}'")
        return host

    def text(self):
        return f"{self.mark}-{next(_numbers)}"

    def make_user(self):
        """A member with nothing but the tenant's customer role, whom its database has as well."""
        user = self.new_member(self.id)
        self.sync()
        return user

    def make_newcomer(self):
        """Somebody of no tenant."""
        return sql(f"SELECT id FROM latchkey.register_user('{new_email()}')")

    def make_owner(self):
        return self.users["owner"][1]

    def make_role(self):
        return sql(f"SELECT name FROM latchkey.create_role('{self.text()}', '{{tenant_data.read}}', '{self.text()}', '{self.id}')")

    def make_hostname(self):
        return sql(f"SELECT hostname FROM latchkey.add_hostname('{self.id}', '{self.text()}.example')")

    def make_invitation(self):
        return sql(f"SELECT id FROM latchkey.invite_member('{self.id}', '{self.text()}@example.com', 'customer')")

    def make_invitation_token(self):
        return sql(f"SELECT token FROM latchkey.invite_member('{self.id}', '{self.text()}@example.com', 'customer')")

    def make_service_account(self):
        return sql(f"SELECT id FROM latchkey.create_service_account('{self.text()}', '{self.text()}', '{self.id}')")

    def make_api_key(self):
        return sql(f"SELECT id FROM latchkey.create_api_key('{self.machine}', '{{tenant_data.read}}')")

    def make_job(self):
        mark = self.text()
        return sql(f"WITH job AS (SELECT * FROM latchkey.enqueue_job('isolation', '{{\"mark\": \"{mark}\"}}', '{self.id}')), "
                   "result AS (INSERT INTO latchkey.job_results SELECT account_id, id, 1, "
                   f"'{{\"mark\": \"{mark}\"}}', now() FROM job) SELECT id FROM job")

    def make_dead_job(self):
        """One that can be run again."""
        job = sql(f"SELECT id FROM latchkey.enqueue_job('isolation', '{{\"mark\": \"{self.text()}\"}}', '{self.id}')")
        sql(f"SELECT latchkey.cancel_job('{self.id}', '{job}')")
        return job

    def make_webhook(self):
        return sql(f"SELECT id FROM latchkey.create_webhook_endpoint('{self.id}', 'https://{self.text()}.example/', "
                   f"'{{*}}', '{self.text()}')")

    def make_hold(self):
        return sql(f"SELECT id FROM latchkey.hold_credits('{self.id}', '{SERVICE}', idempotency_key => '{self.text()}', "
                   f"metadata => '{{\"mark\": \"{self.text()}\"}}')")

    def make_transaction(self):
        return sql(f"SELECT id FROM latchkey.debit_credits('{self.id}', '{SERVICE}', idempotency_key => '{self.text()}', "
                   f"metadata => '{{\"mark\": \"{self.text()}\"}}')")

    def make_key(self):
        """An idempotency key with which this tenant has spent something."""
        key = str(uuid.uuid4())
        sql(f"SELECT latchkey.debit_credits('{self.id}', '{SERVICE}', idempotency_key => '{key}', "
            f"metadata => '{{\"mark\": \"{self.text()}\"}}')")
        return key

    def make_session(self):
        """Of the owner's."""
        return sql(f"SELECT session_id FROM latchkey.login('{self.users['owner'][0]}', '{PASSWORD}')")

    def make_override(self):
        sql(f"SELECT latchkey.set_feature_override('{self.id}', '{UNIT}', 5000, reason => '{self.text()}')")
        return UNIT

    def make_stripe_customer(self):
        return "cus_" + self.mark

    def make_item(self):
        """What is sold, and so has a stock: a product, or a store's variant."""
        return self.make_product_and_item()[1]

    def make_product(self):
        return self.make_product_and_item()[0]

    def make_product_and_item(self):
        name = self.text()
        if self.template == "pos":
            product = there(self.database, "INSERT INTO pos.products (title, sku, price_cents) "
                                           f"VALUES ('{name}', '{name}', 100) RETURNING id")
            return product, product
        product = there(self.database, f"INSERT INTO store.products (title, slug) VALUES ('{name}', '{name}') RETURNING id")
        return product, there(self.database, "INSERT INTO store.variants (product_id, sku, price_cents) "
                                             f"VALUES ('{product}', '{name}', 100) RETURNING id")

    def make_lines(self):
        return [{self.item: self.make_item(), "quantity": 1}]

    def make_sale(self):
        sale = there(self.database, f"INSERT INTO pos.sales (customer) VALUES ('{self.text()}') RETURNING id")
        there(self.database, "INSERT INTO pos.sale_lines (sale_id, product_id, sku, title, quantity, unit_price_cents, tax_rate_bp, "
              f"tax_included) SELECT '{sale}', id, sku, title, 1, 100, 0, true FROM pos.products WHERE id = '{self.make_item()}'")
        return sale

    def make_order(self):
        return there(self.database, f"INSERT INTO store.orders (note) VALUES ('{self.text()}') RETURNING id")

    def make_customer(self):
        return there(self.database, f"INSERT INTO store.customers (name, note) VALUES ('{self.text()}', '{self.text()}') RETURNING id")

    # What it consists of

    def principals(self):
        """The tenant, its members and its machines: what a row of it names."""
        rows = sql(f"SELECT '{self.id}' UNION SELECT user_id::text FROM latchkey.role_grants WHERE tenant_id = '{self.id}' UNION "
                   f"SELECT id::text FROM latchkey.service_accounts WHERE tenant_id = '{self.id}'")
        return rows.splitlines()

    def rows(self):
        """Every row of the main database that names it, or bears its mark, and every row of its own: a set of texts."""
        pattern = "|".join([self.mark, *self.principals()])
        return main_rows(f"~ '{pattern}'") | {"own: " + row for row in own_rows(self.database)}


def main_rows(condition):
    tables = sql("SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'latchkey'::regnamespace AND relkind = 'r' "
                 "ORDER BY 1").splitlines()
    union = " UNION ALL ".join(f"SELECT '{table}' AS name, t::text AS line FROM {table} AS t" for table in tables)
    return set(json.loads(sql(f"SELECT coalesce(json_agg(name || ': ' || line), '[]') FROM ({union}) AS r WHERE line {condition}")))


def own_rows(database):
    tables = there(database, "SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' "
                             "AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1").splitlines()
    union = " UNION ALL ".join(f"SELECT '{table}' AS name, t::text AS line FROM {table} AS t" for table in tables)
    return set(json.loads(there(database, f"SELECT coalesce(json_agg(name || ': ' || line), '[]') FROM ({union}) AS r")))
