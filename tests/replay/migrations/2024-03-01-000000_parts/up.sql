CREATE TABLE logs (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    sailor_id INT REFERENCES sailors,
    at TIMESTAMPTZ NOT NULL,
    line TEXT,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE TABLE logs_2024 PARTITION OF logs FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE INDEX logs_sailor ON logs (sailor_id, at) INCLUDE (line);
CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE logs_rest (id BIGINT NOT NULL, sailor_id INT, at TIMESTAMPTZ NOT NULL, line TEXT);
ALTER TABLE logs ATTACH PARTITION logs_rest DEFAULT;
CREATE INDEX ON logs (line);
ALTER TABLE logs ADD COLUMN level SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE logs DETACH PARTITION logs_2024;
DROP INDEX logs_sailor;
CREATE TABLE animals (id SERIAL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE dogs (breed TEXT) INHERITS (animals);
ALTER TABLE animals ADD COLUMN born DATE;
ALTER TABLE animals RENAME COLUMN name TO label;
CREATE TABLE a_table_with_a_rather_long_name_for_tests (
    a_column_with_a_rather_long_name INT UNIQUE,
    another_column_with_a_long_name INT REFERENCES sailors
);
CREATE INDEX ON a_table_with_a_rather_long_name_for_tests (a_column_with_a_rather_long_name, another_column_with_a_long_name);
CREATE TABLE pairs (a INT UNIQUE PRIMARY KEY, b INT, CONSTRAINT named UNIQUE (b), UNIQUE (b), x INT, UNIQUE (b, x));
