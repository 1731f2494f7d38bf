-- +goose Up
-- Cash machines. Degrees are stored in millionths, about 11 cm of latitude.
CREATE TABLE cash_machine (
    ref     TEXT PRIMARY KEY,  -- the operator's reference
    name    TEXT NOT NULL,
    address TEXT NOT NULL,
    city    TEXT NOT NULL,
    country TEXT NOT NULL,     -- ISO 3166-1 alpha-2
    lat     BIGINT NOT NULL,
    lon     BIGINT NOT NULL
);
CREATE INDEX cash_machine_place ON cash_machine (lat, lon);
