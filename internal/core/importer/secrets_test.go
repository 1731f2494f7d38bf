package importer

import (
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// openVault stands for an issuer's key management: what it seals can be read by
// this test, so that it can look for what must not lie about.
type openVault struct{}

func (openVault) Seal(plain, _ []byte) ([]byte, error)  { return slices.Clone(plain), nil }
func (openVault) Open(sealed, _ []byte) ([]byte, error) { return slices.Clone(sealed), nil }
func (openVault) Fingerprint(context string, data []byte) []byte {
	sum := sha256.Sum256(append([]byte(context+"\n"), data...))
	return sum[:]
}

// wireAll is wire with what password hashes and payment methods need.
func wireAll(t *testing.T, d *db.DB) Deps {
	t.Helper()
	if err := jobs.Migrate(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	x, j := wire(d), jobs.New(d, slog.New(slog.DiscardHandler))
	x.Instruments = instrument.NewService(d, j, openVault{}, nil, nil, instrument.Config{Currency: "USD"})
	var err error
	if x.SignIn, err = signin.New(d, x.Members, notify.New(d, j, nil, openVault{}, nil), openVault{}, signin.Config{Cell: "us"}); err != nil {
		t.Fatal(err)
	}
	return x
}

func phc(password string) string {
	salt := []byte("sixteen bytes ..")
	b64 := base64.RawStdEncoding
	return "$argon2id$v=19$m=8192,t=1,p=1$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 8192, 1, 32))
}

// Passwords hashed elsewhere and bank accounts vouched for come in, and a member
// whose hash cannot be read does not come in by half.
func TestPasswordsAndPaymentMethods(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := wireAll(t, d)
		f := Files{
			Members: writeFile(t, "members.csv", strings.TrimSpace(membersHead)+",password_hash\n"+
				"m1,anna,Anna,anna@example.com,,en-US,us,\""+phc("a long enough password")+"\"\n"+
				"m2,bert,Bert,,,en-US,us,$2b$12$an-older-kind-of-hash\n"+
				"m3,carl,Carl,,,en-US,us,\n"),
			PaymentMethods: writeFile(t, "methods.csv", "member_ref,country,holder_name,routing_number,account_number,iban,sort_code\n"+
				"m1,US,Anna Smith,021000021,000123456789,,\n"+
				"m1,US,Anna Smith,021000022,000123456789,,\n"+ // 3: wrong check digit
				"m3,DE,Carl,,,DE89 3704 0044 0532 0130 00,\n"+
				"m3,DE,Carl,,,DE88 3704 0044 0532 0130 00,\n"+ // 5: wrong check digits
				"m2,US,Bert,021000021,000123456780,,\n"), // 6: no such member
		}
		for _, added := range []int64{2, 0} { // again changes nothing
			s := mustRun(t, x, f)
			if s.Rejected != 4 || s.Files[0].New != added || s.Files[1].New != added {
				t.Fatalf("%+v %v %v", s, rejected(t, f.Members), rejected(t, f.PaymentMethods))
			}
		}
		if _, err := x.Members.ByRef(t.Context(), "m2"); err == nil {
			t.Error("a member came in by half")
		}
		anna, err := x.Members.ByRef(t.Context(), "m1")
		if err != nil {
			t.Fatal(err)
		}
		for password, right := range map[string]bool{"a long enough password": true, "another long password": false} {
			// A right one gets as far as a code, which nobody can send here.
			_, err := x.SignIn.SignIn(t.Context(), "anna", password, signin.Client{FlowID: "a flow of hers", IP: "192.0.2.1"})
			if err == nil || fault.Is(err, fault.Unauthenticated) == right {
				t.Errorf("%q: %v", password, err)
			}
		}
		methods, err := x.Instruments.List(t.Context(), anna.ID)
		if err != nil || len(methods) != 1 || methods[0].Status != instrument.Verified || methods[0].Last4 != "6789" {
			t.Errorf("%+v %v", methods, err)
		}
		for _, path := range []string{f.Members, f.PaymentMethods} {
			b, err := os.ReadFile(path + ".rejected.csv")
			if err != nil || strings.Contains(string(b), "older-kind") || strings.Contains(string(b), "00012345678") || strings.Contains(string(b), "0532") {
				t.Errorf("%s %v", b, err)
			}
		}
	})
}
