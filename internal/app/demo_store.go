package app

import "path/filepath"

// demoStore gives a demo's database and master key: in its folder, or on a
// server with the demo's published key where there is no folder to keep one in.
func demoStore(dir, data, database string) (target, key string) {
	switch {
	case database == "":
		return filepath.Join(dir, databaseFile), filepath.Join(dir, keyFile)
	case data == "":
		return database, demoKey
	}
	return database, filepath.Join(dir, keyFile)
}
