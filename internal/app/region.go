package app

import "github.com/pelletier/go-toml/v2"

// CellUnder gives a cell as it is under the rules of us, gb or eu unless its file
// says otherwise. The telephone numbers are among those that are kept for films,
// so that nobody who is real is called.
func CellUnder(rules string) CellConfig {
	switch rules {
	case "gb":
		return CellConfig{Name: "gb", Rules: "gb", Currency: "GBP", TimeZone: "Europe/London", Locales: []string{"en-GB"}, Telephone: "0808 157 0100"}
	case "eu":
		return CellConfig{Name: "eu", Rules: "eu", Currency: "EUR", TimeZone: "Europe/Berlin", Locales: []string{"de-DE", "en-GB"}, Telephone: "030 23125 100"}
	}
	return CellConfig{Name: "us", Rules: "us", Currency: "USD", TimeZone: "America/New_York", Locales: []string{"en-US", "de-DE"}, Telephone: "1 800 555 0100"}
}

// cellOfFile gives the cell that a file's own rules stand for, before anything
// else of the file is read. What cannot be read is for the reader of all of it to
// complain of.
func cellOfFile(file []byte) CellConfig {
	var said struct {
		Cell struct {
			Rules string `toml:"rules"`
		} `toml:"cell"`
	}
	_ = toml.Unmarshal(file, &said)
	return CellUnder(said.Cell.Rules)
}
