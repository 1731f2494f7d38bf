-- +goose Up
-- What changed, for everybody who follows the cell. Rows are written unnumbered and
-- numbered after commit (see db.Number).
CREATE TABLE outbox (
    id        UUID PRIMARY KEY,
    entity    TEXT NOT NULL,
    entity_id TEXT NOT NULL,
    kind      TEXT NOT NULL,
    version   BIGINT NOT NULL,
    at        BIGINT NOT NULL,
    payload   TEXT NOT NULL,
    digest    BYTEA NOT NULL,
    seq       BIGINT UNIQUE,
    chain     BYTEA
);

CREATE INDEX outbox_unnumbered ON outbox (id) WHERE seq IS NULL;
