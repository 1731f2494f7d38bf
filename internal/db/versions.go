package db

import (
	"io/fs"
	"strconv"
	"strings"
)

// Versions lists the migrations that this build has, oldest first. Those that a
// database has applied stand in its goose_db_version.
func Versions() []int64 {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	list := make([]int64, 0, len(names))
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		if v, err := strconv.ParseInt(number, 10, 64); err == nil {
			list = append(list, v)
		}
	}
	return list
}
