-- +goose Up
-- Who did what to which object (PCI DSS 4.0.1, 10.2.2). Rows are written unnumbered,
-- numbered and chained after commit (see db.Number), and never changed otherwise.
CREATE TABLE audit (
    id        UUID PRIMARY KEY,
    at        BIGINT NOT NULL,
    actor     TEXT NOT NULL,
    actor_id  TEXT NOT NULL,
    action    TEXT NOT NULL,
    object    TEXT NOT NULL,
    object_id TEXT NOT NULL,
    outcome   TEXT NOT NULL,
    origin    TEXT NOT NULL,
    details   TEXT NOT NULL,
    digest    BYTEA NOT NULL,
    seq       BIGINT UNIQUE,
    chain     BYTEA
);

CREATE INDEX audit_unnumbered ON audit (id) WHERE seq IS NULL;
