package dbtest

import "standfast/internal/pgserver"

// startServer starts a throwaway PostgreSQL that dies with this process.
func startServer() (string, error) {
	s, err := pgserver.Start()
	if err != nil {
		return "", err
	}
	return s.URL, nil
}
