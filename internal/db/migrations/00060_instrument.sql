-- +goose Up
-- A member's ways to pay. number is the whole account number, sealed to this row's
-- id; fingerprint is a keyed digest of it, by which duplicates are found. Removed
-- rows stay, because returns of old payments name them.
CREATE TABLE payment_method (
    id           UUID PRIMARY KEY,
    member_id    UUID NOT NULL REFERENCES member (id),
    kind         TEXT NOT NULL CHECK (kind IN ('bank_account')),
    country      TEXT NOT NULL,
    last4        TEXT NOT NULL,
    holder_name  TEXT NOT NULL,
    number       BYTEA NOT NULL,
    fingerprint  BYTEA NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('new', 'verified', 'stopped', 'removed')),
    stop_code    TEXT NOT NULL,
    checked      BOOLEAN NOT NULL,
    added_proved BOOLEAN NOT NULL,
    created_at   BIGINT NOT NULL,
    version      BIGINT NOT NULL
);

-- A member has a number once; a removed one may be added again.
CREATE UNIQUE INDEX payment_method_number ON payment_method (member_id, fingerprint) WHERE status <> 'removed';
CREATE INDEX payment_method_member ON payment_method (member_id, created_at);

-- The two credits that prove a method: sealed, so that who reads the database cannot
-- prove another's account. sent_at is 0 until the rail has taken them.
CREATE TABLE micro_deposit (
    method_id  UUID PRIMARY KEY REFERENCES payment_method (id),
    amounts    BYTEA NOT NULL,
    tries_left BIGINT NOT NULL CHECK (tries_left >= 0),
    sent_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
