package db_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// A build goes on beside what later releases add, and refuses what they took away.
func TestAnOlderBuildMeetsANewerSchema(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		later := func(version int) {
			t.Helper()
			if _, err := d.Writer().ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, $2)`, version, true); err != nil {
				t.Fatal(err)
			}
		}
		later(db.Breaking - 1)
		if err := d.Migrate(t.Context()); err != nil {
			t.Errorf("after an addition: %v", err)
		}
		later(db.Breaking + 9_000)
		if err := d.Migrate(t.Context()); !fault.Is(err, fault.Conflict) {
			t.Errorf("after a breaking change: %v", err)
		}
	})
}

// A change of the schema that has to wait for somebody lets others through: they
// would all stand behind it on PostgreSQL.
func TestASchemaChangeThatWaitsHoldsUpNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if d.Engine() != db.PostgreSQL {
			t.Skip("one writer: whoever waits, waits for nothing else")
		}
		ctx := t.Context()
		if err := d.Alter(ctx, `CREATE TABLE busy (id BIGINT PRIMARY KEY)`); err != nil {
			t.Fatal(err)
		}
		inside, leave, changed := make(chan struct{}), make(chan struct{}), make(chan error, 1)
		held := make(chan error, 1)
		go func() {
			held <- d.WithTx(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `INSERT INTO busy (id) VALUES (1)`); err != nil {
					return err
				}
				close(inside)
				<-leave
				return nil
			})
		}()
		<-inside
		go func() { changed <- d.Alter(ctx, `ALTER TABLE busy ADD COLUMN later TEXT`) }()
		for range 20 { // each waits for the change's one try at the longest
			if err := d.Read(ctx, func(tx *db.Tx) error { return count(ctx, tx) }); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case err := <-changed:
			t.Fatal("the change did not wait:", err)
		default:
		}
		close(leave)
		if err := <-held; err != nil {
			t.Error(err)
		}
		if err := <-changed; err != nil {
			t.Error(err)
		}
	})
}

func count(ctx context.Context, tx *db.Tx) error {
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM busy`).Scan(&n); err != nil && err != sql.ErrNoRows {
		return err
	}
	return nil
}

// What a release adds, the one before it does not see; what it took away it would
// miss. Only a breaking migration may.
func TestMigrationsTakeNothingAway(t *testing.T) {
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	takes := regexp.MustCompile(`(?i)\b(DROP\s+(TABLE|COLUMN|VIEW)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN|SET\s+NOT\s+NULL|TRUNCATE)\b`)
	strict := regexp.MustCompile(`(?i)ADD\s+COLUMN\s+\w+\s+[^,;]*NOT\s+NULL`)
	for _, path := range files {
		number, _, _ := strings.Cut(filepath.Base(path), "_")
		if n, err := strconv.Atoi(number); err != nil || n >= db.Breaking {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		if found := takes.FindString(up); found != "" {
			t.Errorf("%s takes away: %s", path, found)
		}
		for _, added := range strict.FindAllString(up, -1) {
			if !strings.Contains(strings.ToUpper(added), "DEFAULT") {
				t.Errorf("%s: the release before cannot fill %q", path, added)
			}
		}
	}
}
