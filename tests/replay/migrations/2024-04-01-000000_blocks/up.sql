DO $$ BEGIN
    CREATE TYPE late AS ENUM ('a');
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = 'pairs_b_x') THEN
        ALTER TABLE pairs ADD COLUMN maybe INT;
    END IF;
    IF (SELECT count(*) FROM sailors) > 1000 THEN
        ALTER TABLE animals ADD COLUMN maybe INT;
    END IF;
END $$;
CREATE TEMP TABLE scratch (id INT);
INSERT INTO sailors (pass, "nickName", tags) VALUES ('00000000-0000-0000-0000-000000000000', E'it\'s; ok', '{}');
UPDATE sailors SET email = 'a -- b; c' WHERE id = 1;
COMMENT ON TABLE sailors IS 'drop table sailors;';
CREATE TRIGGER touched BEFORE UPDATE ON sailors FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE sailors DISABLE TRIGGER touched;
