-- +goose Up
-- A payment is one row from its birth on; its status moves as docs/payments.md draws.
-- Each status is reached at most once, so its events are one small JSON list, written
-- with the status. contents is a digest of what was asked for under the key.
CREATE TABLE payment (
    id             UUID PRIMARY KEY,
    member_id      UUID NOT NULL,
    request_key    TEXT NOT NULL,
    contents       BYTEA NOT NULL,
    confirmation   TEXT NOT NULL UNIQUE,
    account_id     UUID NOT NULL,
    method_id      UUID NOT NULL,
    method_display TEXT NOT NULL,
    rail           TEXT NOT NULL,
    amount         BIGINT NOT NULL CHECK (amount > 0),
    currency       TEXT NOT NULL,
    status         TEXT NOT NULL CHECK (status IN ('scheduled', 'held', 'submitted', 'settled', 'returned', 'declined', 'cancelled')),
    code           TEXT NOT NULL,
    business_date  TEXT NOT NULL,
    credited_on    TEXT NOT NULL,
    proved         BOOLEAN NOT NULL,
    hold_id        TEXT NOT NULL,
    submitted_at   BIGINT NOT NULL,
    next_at        BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    events         TEXT NOT NULL,
    UNIQUE (member_id, request_key)
);

CREATE INDEX payment_member ON payment (member_id, id);

-- Payments that somebody still has to look at, of an account and in all: next_at is 0
-- once the last word is spoken. Few at any time, so the sweep may read all of them.
CREATE INDEX payment_open ON payment (account_id, next_at) WHERE next_at > 0;
