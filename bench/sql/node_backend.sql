-- The tables and indexes of the Node.js backend. token_hash is text, because what that backend
-- stores (a token signed once more) is longer than the varchar(255) of the original.
CREATE SCHEMA node_backend;
SET search_path = node_backend;

CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    email varchar(255) NOT NULL UNIQUE,
    name varchar(255) NOT NULL,
    password_hash varchar(255) NOT NULL,
    tier varchar(50) DEFAULT 'free' CHECK (tier IN ('free', 'premium', 'pro', 'enterprise')),
    subscription_status varchar(50) DEFAULT 'inactive',
    stripe_customer_id varchar(255),
    usage_daily integer DEFAULT 0,
    usage_total integer DEFAULT 0,
    usage_reset_date date DEFAULT current_date,
    created_at timestamptz DEFAULT current_timestamp,
    updated_at timestamptz DEFAULT current_timestamp
);
CREATE INDEX ON users (stripe_customer_id);

CREATE TABLE user_sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid REFERENCES users (id) ON DELETE CASCADE,
    token_hash text NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz DEFAULT current_timestamp
);
CREATE INDEX ON user_sessions (user_id);
CREATE INDEX ON user_sessions (token_hash);
CREATE INDEX ON user_sessions (expires_at);

CREATE TABLE credit_balances (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    balance bigint NOT NULL DEFAULT 0,
    updated_at timestamptz DEFAULT current_timestamp
);
CREATE TABLE credit_transactions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    kind varchar(50) NOT NULL,
    idempotency_key varchar(255),
    created_at timestamptz DEFAULT current_timestamp,
    UNIQUE (user_id, idempotency_key)
);
CREATE INDEX ON credit_transactions (user_id, created_at);
