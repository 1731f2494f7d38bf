package importer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

const (
	membersHead      = "member_ref,username,display_name,email,phone,locale,region\n"
	accountsHead     = "account_ref,member_ref,kind,currency,opened_on,credit_limit\n"
	transactionsHead = "account_ref,transaction_ref,posted_on,amount,kind,description\n"
	oneMember        = membersHead + "m1,anna,Anna,anna@example.com,,en-US,us\n"
	oneAccount       = accountsHead + "a1,m1,savings,USD,2020-01-01,\n"
)

// write makes a file and gives its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func set(t testing.TB, members, accounts, transactions string) Files {
	return Files{Members: writeFile(t, "members.csv", members), Accounts: writeFile(t, "accounts.csv", accounts), Transactions: writeFile(t, "transactions.csv", transactions)}
}

func mustRun(t testing.TB, x Deps, f Files) Summary {
	t.Helper()
	s, err := Run(context.Background(), x, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func balances(t testing.TB, x Deps) string {
	t.Helper()
	var b strings.Builder
	if err := Balances(context.Background(), x, &b); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(strings.ReplaceAll(b.String(), "\r\n", "\n"), "\n")
	return rows
}

// rejected gives line and reason of every rejected row.
func rejected(t *testing.T, path string) map[string]string {
	t.Helper()
	reasons := map[string]string{}
	for _, row := range readCSV(t, path+".rejected.csv")[1:] {
		reasons[row[0]] = row[1]
	}
	return reasons
}

func TestFormsOfCSV(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := wire(d)
		members := "\ufeffUsername, member_ref ,display_name,email,phone,locale,region,birth_date,shoe_size\r\n" +
			"anna,m1,\"Anna \"\"A\"\" Smith, Jr\",anna@example.com,+12025550100,en-US,us,1980-02-29,41\r\n" +
			"\r\n" +
			"bert,m2,Bert,bert@example.com,,de-DE,us,,42" // no end of line
		transactions := transactionsHead + "a1,t1,2026-01-05,10.50,deposit,\"two\nlines\"\na1,t2,2026-01-05,-0.5,withdrawal,<b>'; DROP TABLE account;--\n"
		f := set(t, members, oneAccount, transactions)
		s := mustRun(t, x, f)
		if s.Rejected != 0 || s.Accounts != 1 || s.Transactions != 2 || !slices.Equal(s.Files[0].Ignored, []string{"shoe_size"}) {
			t.Fatalf("%+v", s)
		}
		m, err := x.Members.ByRef(t.Context(), "m1")
		if err != nil || m.DisplayName != `Anna "A" Smith, Jr` || m.BirthDate != "1980-02-29" {
			t.Errorf("%+v %v", m, err)
		}
		if got := balances(t, x); got != "a1,USD,2,10.00\n" {
			t.Error(got)
		}
		a, _ := x.Accounts.ByRef(t.Context(), "a1")
		p, err := x.Accounts.Transactions(t.Context(), m.ID, a.ID, account.Query{})
		if err != nil || len(p.Items) != 2 || p.Items[0].Description != "<b>'; DROP TABLE account;--" || p.Items[1].Description != "two lines" {
			t.Errorf("the later row of a day is the newer one: %+v %v", p.Items, err)
		}
		if again := mustRun(t, x, f); again.Transactions != 2 || again.Rejected != 0 || again.Files[0].New+again.Files[1].New+again.Files[2].New != 0 {
			t.Errorf("again: %+v", again)
		}
	})
}

func TestOptionalColumns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := wire(d)
		f := set(t, oneMember+"m2,bert,Bert,,,en-US,us\n",
			"account_ref,member_ref,kind,currency,opened_on,credit_limit,card_last4,card_expires,statement_balance,minimum_due,due_on,name\n"+
				"c1,m1,card,USD,2020-01-01,5000,3007,02/28,962.15,40,2026-03-25,Everyday Card\n", transactionsHead)
		f.Holders = writeFile(t, "holders.csv", "account_ref,member_ref,role\nc1,m2,authorized\nc1,m2,joint\nc1,m3,joint\nc9,m2,joint\nc1,m2,boss\n")
		s := mustRun(t, x, f)
		a, err := x.Accounts.ByRef(t.Context(), "c1")
		if err != nil || a.Last4 != "3007" || a.ExpiresOn != "2028-02-29" || a.StatementBalance.Value() != "962.15" || a.MinimumDue.Value() != "40.00" ||
			a.DueOn != "2026-03-25" || a.Name != "Everyday Card" || a.CreditLimit.Value() != "5000.00" {
			t.Errorf("%+v %v", a, err)
		}
		holders, err := x.Members.Holders(t.Context(), a.ID)
		if err != nil || len(holders) != 2 || holders[1].Role != member.Authorized {
			t.Errorf("%+v %v", holders, err)
		}
		if got := rejected(t, f.Holders); len(got) != 4 || s.Rejected != 4 {
			t.Errorf("%v", got)
		}
		if got := balances(t, x); got != "c1,USD,0,0\n" {
			t.Error(got)
		}
	})
}

// Every kind of bad row is rejected with its line and a reason that names the
// field, and the good rows around it load.
func TestBadRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := wire(d)
		tomorrow := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
		long := strings.Repeat("x", 70_000)
		f := set(t,
			oneMember+
				"m1,anna,Anna Other,anna@example.com,,en-US,us\n"+ // 3: same reference, other contents
				"m1,anna,Anna,anna@example.com,,en-US,us\n"+ // 4: the same again is no mistake
				"m2,ANNA,Bert,,,en-US,us\n"+ // 5: username taken
				",carl,Carl,,,en-US,us\n"+ // 6
				"m3,carl,Carl,not an address,12,en-US,us\n"+ // 7
				"m4,dora\n"+ // 8: too few fields
				"m5,emil,\"Emil,,,en-US,us\n"+ // 9: a quote that is never closed
				"m6,fred,Fr\x00ed,,,en-US,us\n"+ // 10
				"m7,gus,\xff\xfe,,,en-US,us\n"+ // 11: not UTF-8
				"m8,"+long+",H,,,en-US,us\n"+ // 12: too long a row
				"m9,ines,Ines,,,en-US,us\n",
			oneAccount+
				"a1,m1,savings,EUR,2020-01-01,\n"+ // 3: other contents
				"a2,nobody,savings,USD,2020-01-01,\n"+ // 4
				"a3,m1,loan,USD,2020-01-01,\n"+ // 5
				"a4,m1,savings,DUCATS,2020-01-01,\n"+ // 6
				"a5,m1,savings,USD,2020-13-01,\n"+ // 7
				"a6,m1,card,USD,2020-01-01,-5\n"+ // 8
				"a7,m1,card,USD,2020-01-01,5.001\n"+ // 9
				"a8,m1,savings,USD,2020-01-01,100\n"+ // 10: savings have no limit
				"a10,m\x001,savings,USD,2020-01-01,\n"+ // 11: no text
				"a9,m9,card,JPY,,5000\n",
			transactionsHead+
				"a1,t1,2026-01-05,100.00,deposit,ok\n"+
				"a1,t1,2026-01-05,100.01,deposit,ok\n"+ // 3: other contents
				"a1,t1,2026-01-05,100.00,deposit,ok\n"+ // 4: the same again
				"a1,t2,2026-02-30,1,deposit,x\n"+ // 5
				"a1,t3,05.01.2026,1,deposit,x\n"+ // 6
				"a1,t4,"+tomorrow+",1,deposit,x\n"+ // 7
				"a1,t5,2026-01-05,0.00,deposit,x\n"+ // 8
				"a1,t6,2026-01-05,1.001,deposit,x\n"+ // 9
				"a1,t7,2026-01-05,1e3,deposit,x\n"+ // 10
				"a1,t8,2026-01-05,99999999999999999999,deposit,x\n"+ // 11
				"a1,t9,2026-01-05,\"1,000.00\",deposit,x\n"+ // 12
				"zz,t10,2026-01-05,1,deposit,x\n"+ // 13
				"a1,,2026-01-05,1,deposit,x\n"+ // 14
				"a1,t11,2026-01-05,1,,x\n"+ // 15
				"a1,t12,2026-01-05,1,deposit,"+strings.Repeat("d", 121)+"\n"+ // 16
				"a1,t13,2026-01-05,1,deposit,\u202egnp.exe\n"+ // 17: turns the direction
				"a1,t14,2026-01-05,1,deposit,x,y\n"+ // 18: too many fields
				"a1,t15,1875-01-05,1,deposit,x\n"+ // 19
				"a\xff1,t18,2026-01-05,1,deposit,x\n"+ // 20: not UTF-8
				"a1,t16,2026-01-06,-250.00,withdrawal,history goes below any floor\n"+
				"a9,t17,2026-01-06,-12,purchase,yen\n")
		s := mustRun(t, x, f)
		for path, lines := range map[string][]string{
			f.Members:      {"3", "5", "6", "7", "8", "9", "10", "11", "12"},
			f.Accounts:     {"3", "4", "5", "6", "7", "8", "9", "10", "11"},
			f.Transactions: {"3", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20"},
		} {
			reasons := rejected(t, path)
			for _, line := range lines {
				if reasons[line] == "" {
					t.Errorf("%s:%s was taken", filepath.Base(path), line)
				}
				delete(reasons, line)
			}
			if len(reasons) > 0 {
				t.Errorf("%s: %v", filepath.Base(path), reasons)
			}
		}
		if s.Accounts != 2 || s.Transactions != 4 || s.Rejected != 9+9+17 {
			t.Errorf("%+v", s)
		}
		if got := balances(t, x); got != "a1,USD,2,-150.00\na9,JPY,1,-12\n" {
			t.Error(got)
		}
		reason := rejected(t, f.Transactions)
		for line, part := range map[string]string{"3": "other contents", "5": "posted_on", "9": "amount", "13": "account_ref", "16": "description"} {
			if !strings.Contains(reason[line], part) {
				t.Errorf("line %s: %q", line, reason[line])
			}
		}
	})
}

func TestFilesThatCannotBeRead(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	x := wire(d)
	for name, c := range map[string]struct{ text, part string }{
		"missing column": {"member_ref,username,display_name,email,phone,region\n", "locale"},
		"empty":          {"", "empty"},
		"twice":          {"member_ref,member_ref,username,display_name,email,phone,locale,region\n", "twice"},
		"semicolons":     {strings.ReplaceAll(membersHead, ",", ";"), "missing"},
		"UTF-16":         {"\xff\xfem\x00", "UTF-16"},
		"quotes":         {"\"member_ref,username\n", "first line"},
	} {
		_, err := Run(context.Background(), x, Files{Members: writeFile(t, "members.csv", c.text)}, nil)
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.part) || !strings.Contains(err.Error(), "members.csv") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Run(context.Background(), x, Files{Members: "/nowhere/at/all.csv"}, nil); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

// Secrets stay out of the file of rejects.
func TestRejectsKeepSecrets(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	x := wire(d)
	methods := writeFile(t, "methods.csv", "member_ref,country,holder_name,routing_number,account_number\nnobody,US,N,021000021,123456789\nnobody,US,\"N,021000021,123456789\n")
	members := writeFile(t, "members.csv", strings.TrimSpace(membersHead)+",password_hash\nm1,x,Anna,,,en-US,us,$argon2id$secret\n")
	s := mustRun(t, x, Files{Members: members, PaymentMethods: methods})
	if s.Rejected != 3 {
		t.Fatalf("%+v", s)
	}
	for _, path := range []string{methods, members} {
		b, err := os.ReadFile(path + ".rejected.csv")
		if err != nil || strings.Contains(string(b), "123456789") || strings.Contains(string(b), "secret") {
			t.Errorf("%s %v", b, err)
		}
		if info, _ := os.Stat(path + ".rejected.csv"); info.Mode().Perm() != 0o600 {
			t.Error(info.Mode())
		}
	}
}

// What was rejected is looked at in a spreadsheet, which must not run it. Signs of
// numbers stay, so that a row which was put right is imported from there.
func TestRejectsAreSafeInASpreadsheet(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	x := wire(d)
	text := []string{`=HYPERLINK("x")`, "+1+1", "-2+3", "@SUM(1)", "\tx", "\r=x", "-", "plain - text", ""}
	rows := ""
	for _, s := range text {
		rows += "zz,t1,2026-01-05,-12.50,+12025550134,\"" + strings.ReplaceAll(s, `"`, `""`) + "\"\n"
	}
	f := Files{Transactions: writeFile(t, "t.csv", strings.TrimSpace(transactionsHead)+",=cmd\n"+strings.ReplaceAll(rows, "\"\n", "\",=x\n"))}
	mustRun(t, x, f)
	list := readCSV(t, f.Transactions+".rejected.csv")
	if got := list[0][len(list[0])-1]; got != "'=cmd" {
		t.Errorf("the header has %q", got)
	}
	for i, row := range list[1:] {
		want := text[i]
		if want != "" && strings.ContainsAny(want[:1], "=+-@\t\r") {
			want = "'" + want
		}
		if got := strings.Join(row[5:], "|"); got != "-12.50|+12025550134|"+want+"|'=x" {
			t.Errorf("%q became %q", text[i], got)
		}
	}
}

func TestRejectsOfAnEarlierRunGo(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	x := wire(d)
	f := Files{Members: writeFile(t, "members.csv", oneMember+"bad\n")}
	mustRun(t, x, f)
	if err := os.WriteFile(f.Members, []byte(oneMember), 0o600); err != nil {
		t.Fatal(err)
	}
	if s := mustRun(t, x, f); s.Rejected != 0 || s.Files[0].Rejects != "" {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(f.Members + ".rejected.csv"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// An import that is stopped anywhere and run again ends like one that was not.
func TestStoppedAndRunAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x, f := wire(d), filesIn(made(t, 1_200, 9_000))
		for stop := 1; ; stop++ {
			ctx, cancel := context.WithCancel(t.Context())
			batches := 0
			s, err := Run(ctx, x, f, func(Counts) {
				if batches++; batches == stop {
					cancel()
				}
			})
			cancel()
			if err == nil {
				if s.Accounts != 1200 || s.Transactions != 9_000 || s.Rejected != 0 {
					t.Fatalf("%+v", s)
				}
				break
			}
			if !fault.Is(err, fault.Unavailable) {
				t.Fatal(err)
			}
		}
		rows := strings.Split(strings.TrimSpace(balances(t, x)), "\n")
		if len(rows) != 1200 || rows[0] != "a0,USD,8,10.00" {
			t.Error(len(rows), rows[0])
		}
		if r, err := x.Ledger.Verify(t.Context()); err != nil || len(r.Problems) > 0 || r.Transfers != 9_000 {
			t.Error(r, err)
		}
	})
}

func TestMachines(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := wire(d)
		head := "atm_ref,name,address,city,country,lat,lon\n"
		f := Files{ATMs: writeFile(t, "atms.csv", head+"1,Bank,1 Street,London,GB,51.5,-0.1\n2,Bank,,London,GB,north,0\n3,Bank,,London,GB,95,0\n1,Bank,2 Street,London,GB,51.5,-0.1\n4,Bank,,London,UK1,1,1\n5,Bank,,Paris,FR,48.85,2.35\n")}
		s := mustRun(t, x, f)
		if s.Rejected != 4 || s.Files[0].New != 2 {
			t.Errorf("%+v %v", s, rejected(t, f.ATMs))
		}
		if s := mustRun(t, x, f); s.Files[0].New != 0 {
			t.Errorf("again: %+v", s)
		}
		near, err := x.Locator.Near(t.Context(), 51.5, -0.1, 1)
		if err != nil || len(near) != 1 || near[0].Ref != "1" || near[0].Address != "1 Street" {
			t.Error(near, err)
		}
	})
}
