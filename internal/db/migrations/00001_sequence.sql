-- +goose Up
-- One row a numbered table: the last number and chain value given, and who may number now.
CREATE TABLE sequence (
    name       TEXT PRIMARY KEY,
    last_seq   BIGINT NOT NULL,
    last_chain BYTEA NOT NULL
);

-- Who does a piece of background work now. A holder that does not renew loses it.
CREATE TABLE lease (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);
