package e2e

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// htmlValidate gives the command that judges HTML, or skips the test. It is
// installed beside axe-core.
func htmlValidate(t testing.TB) string {
	t.Helper()
	axe := os.Getenv("STANDFAST_TEST_AXE")
	if axe == "" {
		t.Skip("no html-validate: make test fetches it with npm, beside axe-core")
	}
	return filepath.Join(filepath.Dir(filepath.Dir(axe)), ".bin", "html-validate")
}

// Every page in every state and language is valid HTML.
func TestEveryPageIsValidHTML(t *testing.T) {
	command := htmlValidate(t)
	for name, g := range galleries(t) {
		t.Run(name, func(t *testing.T) { validPages(t, command, g) })
	}
}

func validPages(t *testing.T, command string, g pages) {
	dir := t.TempDir()
	for _, path := range g.Paths() {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		file := strings.ReplaceAll(strings.Trim(path, "/"), "/", "-") + ".html"
		if err := os.WriteFile(filepath.Join(dir, file), w.Body.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := validate(command, dir); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%d pages", len(g.Paths()))
}

// A check that finds nothing has to be seen finding something.
func TestTheValidatorFindsWhatIsWrong(t *testing.T) {
	command, dir := htmlValidate(t), t.TempDir()
	page := `<!doctype html><html lang="en"><head><title>Wrong</title></head><body><p><div>No block stands in a paragraph.</div></p></body></html>`
	if err := os.WriteFile(filepath.Join(dir, "wrong.html"), []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := validate(command, dir); err == nil || !strings.Contains(out, "close-order") {
		t.Error("nothing was found:", out, err)
	}
}

func validate(command, dir string) (string, error) {
	out, err := exec.Command(command, "--preset", "standard", "--formatter", "text", dir).CombinedOutput()
	return string(out), err
}
