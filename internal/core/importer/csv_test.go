package importer

import (
	"bytes"
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func all(t interface{ Fatal(...any) }, text string) (list []record) {
	r, err := newCSVReader(strings.NewReader(text))
	if err != nil {
		return nil
	}
	for {
		rec, err := r.next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, rec)
	}
}

func TestRecords(t *testing.T) {
	long := strings.Repeat("y", maxRecord)
	for _, c := range []struct {
		text  string
		lines []int64
		first []string // of the first record without an error
		bad   int
	}{
		{"a,b\nc,d\n", []int64{1, 2}, []string{"a", "b"}, 0},
		{"a,b\r\n\r\n\nc,d", []int64{1, 4}, []string{"a", "b"}, 0},
		{"\ufeff\"a\",b", []int64{1}, []string{"a", "b"}, 0},
		{"\"a\nb\",\"c\"\"d\"\ne\n", []int64{1, 3}, []string{"a\nb", `c"d`}, 0},
		{"\"\"\n", []int64{1}, []string{""}, 0},
		{",\n", []int64{1}, []string{"", ""}, 0},
		{"a\"b\nc", []int64{1, 2}, []string{"c"}, 1},
		{"\"a\"b\nc", []int64{1, 2}, []string{"c"}, 1},
		{"\"a\nb\nc", []int64{1, 2, 3}, []string{"b"}, 1},
		{long + "\na\n", []int64{1, 2}, []string{"a"}, 1},
		{long + long + long + long + long + long + "\na\n", []int64{1, 2}, []string{"a"}, 1},
		{strings.Repeat(",", maxColumns) + "\na", []int64{1, 2}, []string{"a"}, 1},
		{long, []int64{1}, []string{long}, 0}, // exactly as long as may be
		{long + "y", []int64{1}, nil, 1},
	} {
		var lines []int64
		var first []string
		bad := 0
		for _, rec := range all(t, c.text) {
			lines = append(lines, rec.line)
			if rec.err != nil {
				bad++
			} else if first == nil {
				first = rec.fields
			}
		}
		if !slices.Equal(lines, c.lines) || bad != c.bad || !slices.Equal(first, c.first) {
			t.Errorf("%.20q: lines %v, %d bad, first %.20q", c.text, lines, bad, first)
		}
	}
}

// What encoding/csv writes is read back, however long the file.
func TestRecordsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.StringN(0, 40, -1), rapid.SampledFrom([]string{"", ",", "\"", "\n", "a\r\nb", "x"}))
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, 2, 5), 1, 60).Draw(t, "rows")
		repeat := rapid.SampledFrom([]int{1, 1, 1, 400}).Draw(t, "repeat")
		var b bytes.Buffer
		b.WriteString("\ufeff") // or else a first cell that begins with one would lose it
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		for range repeat {
			if err := w.WriteAll(rows); err != nil {
				t.Fatal(err)
			}
		}
		got := all(t, b.String())
		if len(got) != len(rows)*repeat {
			t.Fatalf("%d records, want %d", len(got), len(rows)*repeat)
		}
		for i, rec := range got {
			want := slices.Clone(rows[i%len(rows)])
			if w.UseCRLF { // encoding/csv writes every line end in a field as CRLF then
				for n := range want {
					want[n] = strings.ReplaceAll(strings.ReplaceAll(want[n], "\r", ""), "\n", "\r\n")
				}
			}
			if rec.err != nil || !slices.Equal(rec.fields, want) {
				t.Fatalf("%q: %v, want %q", rec.fields, rec.err, want)
			}
		}
	})
}

// Whatever the bytes, every line is accounted for and nothing is read twice.
func FuzzRecords(f *testing.F) {
	f.Add("a,b\n\"c\",d\r\n")
	f.Add("\ufeff\"a\"\"\n,b\"x\n\r\n,")
	f.Add("\xff\xfe")
	f.Fuzz(func(t *testing.T, text string) {
		var line int64
		for _, rec := range all(t, text) {
			if rec.line <= line || len(rec.fields) == 0 {
				t.Fatalf("%+v after line %d", rec, line)
			}
			line = rec.line
		}
		if n := int64(strings.Count(text, "\n")) + 1; line > n {
			t.Fatalf("line %d of %d", line, n)
		}
	})
}

// Rows of every layout decode to a value or an error, never to a panic.
func FuzzRows(f *testing.F) {
	f.Add("m1,anna,Anna,a@example.com,,en-US,us,1980-01-01,x")
	f.Add("a1,m1,card,USD,2020-01-01,5000,3007,02/28,962.15,40,2026-03-25,n,s,12")
	f.Add("a1,t1,2026-01-05,-10.50,deposit,x")
	f.Add("1,Bank,Street,London,GB,51.5,-0.1")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range []layout{memberLayout, accountLayout, machineLayout, transactionLayout} {
			tab := &table{layout: l, place: map[string]int{}}
			for i, c := range slices.Concat(l.required, l.optional) {
				tab.place[c] = i
				tab.header = append(tab.header, c)
			}
			for _, rec := range all(t, text) {
				if tab.check(rec) != nil {
					continue
				}
				w := row{tab, rec.fields}
				_, _ = decodeMember(w)
				_, _ = decodeAccount(w)
				_, _ = decodeMachine(w)
			}
		}
	})
}
