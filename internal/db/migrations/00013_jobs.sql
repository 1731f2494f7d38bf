-- +goose Up
-- Processes that work jobs. One that does not renew its row is taken for dead, and
-- what it was working on goes back to the queue. (The queue's own tables are River's.)
CREATE TABLE job_worker (
    id    UUID PRIMARY KEY,
    until BIGINT NOT NULL
);
