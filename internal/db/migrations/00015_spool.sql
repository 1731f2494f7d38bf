-- +goose Up
-- What was asked for while this database could not be written, and has been done
-- since. It keeps each intent from being carried out twice (see room spool).
CREATE TABLE spool_done (
    id   UUID PRIMARY KEY, -- of the intent
    at   BIGINT NOT NULL
);
