package notify

import (
	"encoding/json"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/text"
)

// contents is what is sealed: all of a message that nobody else may read.
type contents struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	Code    string `json:"code"`
}

// Term is a value that is itself a text: the catalogue's id of it, so that each
// reader gets it in a language of theirs.
type Term string

// compose writes a message in the member's language.
func (n *Notifier) compose(m Message, now time.Time) (c contents, locale string, err error) {
	locale = n.texts.Match("", m.Locale)
	p := n.texts.Printer(locale).In(n.cell.Zone)
	values := n.values(p, m, now)
	id := "notify." + m.Template
	c = contents{To: m.To, Code: m.Code}
	if m.Channel == Email {
		if c.Subject, err = sentence(p, id+".subject", values); err != nil {
			return contents{}, "", err
		}
	}
	if c.Text, err = sentence(p, n.body(p, id, m.Channel), values); err != nil {
		return contents{}, "", err
	}
	if m.Channel == Email {
		footer, err := sentence(p, "notify.footer.text", values)
		if err != nil {
			return contents{}, "", err
		}
		c.Text += "\n\n" + footer
	}
	c.Text += n.binding(m)
	return c, locale, nil
}

// body chooses the spoken or the short text where there is one and the channel
// wants it.
func (n *Notifier) body(p *text.Printer, id string, c Channel) string {
	if c == Voice && p.Has(id+".spoken") {
		return id + ".spoken"
	}
	if c != Email && p.Has(id+".short") {
		return id + ".short"
	}
	return id + ".text"
}

func (n *Notifier) values(p *text.Printer, m Message, now time.Time) map[string]any {
	v := map[string]any{}
	for name, value := range m.Data {
		if t, ok := value.(time.Time); ok {
			value = p.DateTime(t) // read later, perhaps on another day
		}
		if id, ok := value.(Term); ok {
			value = p.T(string(id))
		}
		v[name] = value
	}
	v["Brand"], v["Telephone"], v["Code"] = n.cell.Brand, n.cell.Telephone, m.Code
	if m.Channel == Voice {
		v["Code"] = spoken(m.Code)
	}
	if !m.Until.IsZero() {
		v["Minutes"] = int(m.Until.Sub(now).Round(time.Minute) / time.Minute)
	}
	return v
}

// binding is the last line of a text message with a code: browsers then offer
// the code only on the site that it is for (WICG, origin-bound one-time codes).
func (n *Notifier) binding(m Message) string {
	if m.Channel != Text || m.Code == "" || n.cell.Host == "" {
		return ""
	}
	return "\n\n@" + n.cell.Host + " #" + m.Code
}

// spoken separates digits by commas, so that a voice reads them one by one.
// (Full stops would make ordinals of them in German.)
func spoken(code string) string { return strings.Join(strings.Split(code, ""), ", ") }

// sentence fills in a text. One that does not exist, or that names a value
// nobody gave, is a defect of ours and must not reach a member.
func sentence(p *text.Printer, id string, values map[string]any) (string, error) {
	if !p.Has(id) {
		return "", fault.New(fault.Internal, "notify.text-missing", "Something went wrong on our side.").With("id", id)
	}
	s := strings.TrimSpace(p.Map(id, values))
	if s == "" || strings.Contains(s, "<no value>") || strings.Contains(s, "map[") {
		return "", fault.New(fault.Internal, "notify.value-missing", "Something went wrong on our side.").With("id", id)
	}
	return s, nil
}

func (n *Notifier) seal(id string, c contents) ([]byte, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "notify.seal", "Something went wrong on our side.", err)
	}
	sealed, err := n.sealer.Seal(plain, sealContext(id))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "notify.seal", "Something went wrong on our side.", err)
	}
	return sealed, nil
}

func (n *Notifier) open(id string, sealed []byte) (c contents, err error) {
	plain, err := n.sealer.Open(sealed, sealContext(id))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(plain, &c)
}

// sealContext ties what is sealed to its row.
func sealContext(id string) []byte { return []byte("notify/" + id) }
