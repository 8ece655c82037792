"""What the paths, parameters and fields of all routes name: from this the matrix of isolation is generated.

A path, a parameter or a field that is not here fails the test: say which tenant it aims at.
"""
from harness import PASSWORD
from tenant_worlds import SERVICE, UNIT

# Of each path: the things (of tenant_worlds.World) or, after "=", the values that stand in it.
PATHS = {
    # Of nobody: what they answer is the same for everybody.
    "/.well-known/jwks.json": {}, "/healthz": {}, "/metrics": {}, "/openapi.json": {}, "/readyz": {},
    "/api/credits/services": {}, "/api/models": {}, "/api/plans": {}, "/api/permissions": {},
    "/api/subscription/webhooks/stripe": {}, "/api/webhooks/stripe": {},
    # Of who asks, and of the tenant of their token.
    "/api/auth/email/resend": {}, "/api/auth/email/verify": {}, "/api/auth/email/verify/request": {}, "/api/auth/invitations/accept": {},
    "/api/auth/login": {}, "/api/auth/logout": {}, "/api/auth/me": {}, "/api/auth/password/change": {}, "/api/auth/password/forgot": {},
    "/api/auth/password/reset": {}, "/api/auth/permissions": {}, "/api/auth/profile": {}, "/api/auth/refresh": {}, "/api/auth/register": {},
    "/api/auth/sessions": {}, "/api/auth/sessions/{id}": {"id": "session"}, "/api/auth/switch-tenant": {}, "/api/auth/verify": {},
    "/api/invitations/accept": {}, "/api/onboarding": {}, "/api/subscription/check-status": {},
    # Of the account that is named, or of the token's.
    "/api/billing/payment-methods": {}, "/api/billing/transactions": {},
    "/api/credits/balance": {}, "/api/credits/debit": {}, "/api/credits/debits": {}, "/api/credits/grants": {}, "/api/credits/holds": {},
    "/api/credits/holds/{id}/capture": {"id": "hold"}, "/api/credits/holds/{id}/release": {"id": "hold"}, "/api/credits/purchase": {},
    "/api/credits/refunds": {}, "/api/credits/threshold": {}, "/api/credits/transactions": {}, "/api/credits/usage": {},
    "/api/jobs": {}, "/api/jobs/{id}": {"id": "job"}, "/api/jobs/{id}/cancel": {"id": "job"}, "/api/jobs/{id}/events": {"id": "job"},
    "/api/jobs/{id}/results": {"id": "job"}, "/api/jobs/{id}/retry": {"id": "dead_job"},
    "/api/subscription": {}, "/api/subscription/features": {}, "/api/subscription/intended-plan": {},
    "/api/subscription/overrides/{feature}": {"feature": "override"}, "/api/subscription/trial": {}, "/api/usage": {},
    "/api/webhooks": {}, "/api/webhooks/{id}": {"id": "webhook"}, "/api/webhooks/{id}/deliveries": {"id": "webhook"},
    "/api/webhooks/{id}/deliveries/{event_id}/retry": {"id": "delivery_webhook", "event_id": "delivery_event"},
    "/api/webhooks/{id}/rotate": {"id": "webhook"},
    # Of the tenant that is named, or whose they are.
    "/api/roles": {}, "/api/roles/{name}": {"name": "role"}, "/api/service-accounts": {},
    "/api/service-accounts/{id}": {"id": "service_account"},
    "/api/service-accounts/{id}/keys": {"id": "service_account"}, "/api/api-keys/{id}": {"id": "api_key"},
    "/api/api-keys/{id}/rotate": {"id": "api_key"}, "/api/tenants": {}, "/api/tenants/dropdown": {},
    **{"/api/tenants/{id}" + rest: {"id": "tenant"} for rest in (
        "", "/archive", "/connect-database", "/hostnames", "/invitations", "/leave", "/members", "/provision", "/reactivate", "/status",
        "/suspend", "/transfer", "/exports", "/move", "/move/confirm", "/move/revert")},
    "/api/tenants/{id}/exports/{export_id}": {"id": "tenant", "export_id": "export"},
    **{"/api/tenants/{id}/hostnames/{hostname}" + rest: {"id": "tenant", "hostname": "hostname"} for rest in ("", "/primary", "/verify")},
    "/api/tenants/{id}/invitations/{invitation_id}": {"id": "tenant", "invitation_id": "invitation"},
    "/api/tenants/{id}/members/{user_id}": {"id": "tenant", "user_id": "user"},
    # In the database of the token's tenant.
    "/api/tenant/customers": {}, "/api/tenant/customers/{id}": {"id": "customer"}, "/api/tenant/inventory": {},
    "/api/tenant/inventory/{id}": {"id": "item"}, "/api/tenant/inventory/{id}/movements": {"id": "item"}, "/api/tenant/orders": {},
    "/api/tenant/orders/{id}": {"id": "order"}, "/api/tenant/products": {}, "/api/tenant/products/{id}": {"id": "product"},
    "/api/tenant/reports/{name}": {"name": "=low_stock"}, "/api/tenant/sales": {}, "/api/tenant/sales/{id}": {"id": "sale"},
    "/api/tenant/sales/{id}/payments": {"id": "sale"}, "/api/tenant/users": {}, "/api/tenant/users/{id}": {"id": "user"},
    # Of the whole platform: see PLATFORM.
    "/api/billing/customers/{customer}": {"customer": "stripe_customer"}, "/api/billing/events": {}, "/api/billing/events/apply-parked": {},
    "/api/billing/replay": {}, "/api/credits/services/{service}": {"service": "=" + SERVICE},
    "/api/credits/services/{service}/history": {"service": "=" + SERVICE}, "/api/events": {}, "/api/events/consumers": {},
    "/api/events/end": {},
    "/api/events/{aggregate}/{aggregate_id}": {"aggregate": "=tenant", "aggregate_id": "tenant"}, "/api/job-rules": {},
    "/api/job-rules/{type}": {"type": "=isolation"}, "/api/jobs/all": {}, "/api/models/{name}": {"name": "=gpt-4"},
    "/api/permissions/{name}": {"name": "=isolation.read"}, "/api/plans/{plan}": {"plan": "=isolation"},
    "/api/plans/{plan}/features/{feature}": {"plan": "=isolation", "feature": "=" + UNIT}, "/api/schedules": {},
    "/api/schedules/{name}": {"name": "=isolation"}, "/api/schedules/{name}/runs": {"name": "=isolation"}, "/api/settings": {},
    "/api/settings/{key}": {"key": "=jobs.retention"}, "/api/tenant-databases": {}, "/api/tenant-databases/migrate": {},
    "/api/tenant-servers": {}, "/api/users": {}, **{"/api/users/{id}" + rest: {"id": "user"} for rest in (
        "", "/block", "/roles", "/sessions", "/tier", "/unblock")},
    "/api/users/{id}/roles/{role}": {"id": "user", "role": "=customer"}, "/api/webhooks/all": {},
}

# What fields and parameters name, wherever they stand.
THINGS = {"account_id": "tenant", "tenant_id": "tenant", "tenant": "slug", "user_id": "user", "to_user_id": "user", "from_user_id": "owner",
          "owner_id": "owner", "transaction_id": "transaction", "customer_id": "customer", "lines": "lines", "search": "mark",
          "Idempotency-Key": "key", "aggregate": "tenant"}
# Of single routes. Whoever may give roles gives them to any user whose id they know: no row of the user's other tenants.
THINGS_OF = {("POST", "/api/invitations/accept", "token"): "invitation_token", ("POST", "/api/tenant/users", "user_id"): "newcomer",
             ("POST", "/api/users/{id}/roles", "id"): "newcomer"}
# What belongs to nobody alone: naming another's may succeed, and act upon the caller's own.
UNOWNED = {"key", "mark", "override", "newcomer"}

# They name nothing that belongs to a tenant, and are left out where they may be.
NEUTRAL = set("""active address after amount apply_to_existing at_once atomic barcode before billing_interval category connection
    created_before created_from credits_per_unit cron currency current_password debits description disabled discard_writes discount_cents display_name
    email
    enabled event_types expires_at expires_in_seconds expiring_days feature from granted granted_limit group_key hostname interval kind
    length limit max_retries max_running metadata method monthly_price_cents name new_password note on_request onboarding_step outcome
    overlap_seconds password payload payment_reference period permissions phone plan price_cents priority profile provision quantity rank
    reason reference register reorder_level role scope server service settings shipping_cents skipped slug sku sort_order status step
    strict_order stripe_monthly_price_id stripe_yearly_price_id tax_included tax_rate_bp template tendered_cents threshold tier time_zone
    timeout title to token tracked type url value yearly_price_cents allow_negative amount_cents customer ends_at event_id
    Stripe-Signature""".split())

# For what a route requires beside things.
VALUES = {
    "password": PASSWORD, "current_password": PASSWORD, "new_password": "another " + PASSWORD, "name": "Isolation", "plan": "isolation",
    "permissions": ["tenant_data.read"], "token": "a.b.c", "disabled": False, "amount": 1, "kind": "bonus", "service": SERVICE,
    "debits": [{"service": SERVICE}], "connection": {"host": "db.example.com", "database": "d", "user": "u"}, "template": "isolation",
    "step": "credits", "threshold": 1, "credits_per_unit": 1, "cron": "@yearly", "type": "isolation", "enabled": False, "value": "7 days",
    "feature": UNIT, "server": "isolation", "url": "https://example.com/", "title": "Isolation", "price_cents": 1, "quantity": 1, "method": "cash",
    "amount_cents": 1, "role": "customer", "reason": "receipt", "status": "voided", "Stripe-Signature": "t=1,v1=00",
}
VALUES_OF = {("PATCH", "/api/tenant/orders/{id}", "status"): "cancelled", ("PATCH", "/api/tenants/{id}", "name"): "Renamed",
             ("POST", "/api/users", "role"): "customer"}

# What the owner of a tenant may not do in it: the platform does.
PLATFORM = {
    "GET": """/api/billing/customers/{customer} /api/billing/events /api/credits/services/{service}/history /api/events /api/events/consumers
        /api/events/end /api/events/{aggregate}/{aggregate_id} /api/job-rules /api/jobs/all /api/models/{name} /api/permissions /api/schedules
        /api/schedules/{name}/runs /api/settings /api/tenant-databases /api/tenant-servers /api/tenants /api/tenants/{id}/exports
        /api/tenants/{id}/move /api/users /api/users/{id}
        /api/users/{id}/sessions /api/webhooks/all""",
    "POST": """/api/billing/events/apply-parked /api/billing/replay /api/credits/grants /api/credits/purchase /api/credits/refunds
        /api/permissions /api/subscription/trial /api/tenant-databases/migrate /api/tenants/{id}/reactivate /api/tenants/{id}/suspend
        /api/tenants/{id}/exports /api/tenants/{id}/move /api/tenants/{id}/move/confirm /api/tenants/{id}/move/revert
        /api/users/{id}/block /api/users/{id}/unblock""",
    "PUT": """/api/billing/customers/{customer} /api/credits/services/{service} /api/job-rules/{type} /api/plans/{plan}
        /api/plans/{plan}/features/{feature} /api/schedules/{name} /api/settings/{key} /api/subscription/overrides/{feature}
        /api/users/{id} /api/users/{id}/tier""",
    "PATCH": "/api/schedules/{name} /api/users/{id}",
    "DELETE": """/api/job-rules/{type} /api/permissions/{name} /api/plans/{plan} /api/plans/{plan}/features/{feature} /api/schedules/{name}
        /api/subscription/overrides/{feature} /api/tenants/{id}/exports/{export_id} /api/users/{id} /api/users/{id}/sessions""",
}
# A template without what the path names: 404.
NOT_IN = {"pos": ("/api/tenant/customers", "/api/tenant/orders"), "store": ("/api/tenant/sales",)}
# Where the owner's own things lead elsewhere than to success: it takes more (a signed body, a mailed token, a trial, a second owner, a
# server for databases).
OTHERWISE = {
    ("POST", "/api/auth/email/verify"): 401, ("POST", "/api/auth/invitations/accept"): 401, ("POST", "/api/auth/password/reset"): 401,
    ("DELETE", "/api/subscription/trial"): 404, ("POST", "/api/invitations/accept"): 403, ("POST", "/api/tenants/{id}/leave"): 409,
    ("POST", "/api/tenants/{id}/provision"): 409, ("POST", "/api/subscription/webhooks/stripe"): 400, ("POST", "/api/webhooks/stripe"): 400,
}
