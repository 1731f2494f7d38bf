package gateway

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/notify"
)

// placeholders are the words that a field may name.
func placeholders() []string {
	return []string{"{id}", "{to}", "{digits}", "{from}", "{text}", "{seconds}", "{channel}", "{locale}"}
}

// checkFields refuses names that cannot be one beside the other and words that
// stand for nothing, and wants number and text: without them nothing is sent.
func (c Config) checkFields(no func(field, why string) error) error {
	var whole strings.Builder
	for name, value := range c.Fields {
		if name == "" || len(name) > 64 || strings.ContainsFunc(name, control) || slices.Contains(strings.Split(name, "."), "") {
			return no("fields", "A gateway's field has a name without empty parts.")
		}
		if _, rest, found := strings.Cut(fill(value, func(string) string { return "" }), "{"); found && strings.Contains(rest, "}") || len(value) > maxValue {
			return no("fields", "A gateway's field holds words in braces out of "+strings.Join(placeholders(), ", ")+".")
		}
		for other := range c.Fields {
			if c.Format == JSON && strings.HasPrefix(other, name+".") {
				return no("fields", "A gateway's field cannot be a value and hold others.")
			}
		}
		whole.WriteString(value)
	}
	if s := whole.String(); !strings.Contains(s, "{text}") || !strings.Contains(s, "{to}") && !strings.Contains(s, "{digits}") {
		return no("fields", "A gateway's fields hold {text}, and {to} or {digits}.")
	}
	return nil
}

// fill replaces the placeholders of a field. What is put in is not looked at
// again, so that a text with braces stays what it is.
func fill(field string, value func(placeholder string) string) string {
	pairs := make([]string, 0, 2*len(placeholders()))
	for _, p := range placeholders() {
		pairs = append(pairs, p, value(p))
	}
	return strings.NewReplacer(pairs...).Replace(field)
}

// defaultLife is how long a message without an end is of use.
const defaultLife = 24 * time.Hour

// body writes a request's body and names its type.
func (c Config) body(m notify.Outgoing) (body []byte, contentType string, err error) {
	life := defaultLife
	if !m.Until.IsZero() {
		life = max(time.Second, m.Until.Sub(c.Now()))
	}
	values := map[string]string{"{id}": m.ID, "{to}": m.To, "{digits}": strings.TrimPrefix(m.To, "+"), "{from}": c.From, "{text}": m.Text,
		"{seconds}": strconv.Itoa(int(life / time.Second)), "{channel}": string(m.Channel), "{locale}": m.Locale}
	if c.Format == Form {
		form := url.Values{}
		for name, field := range c.Fields {
			form.Set(name, fill(field, func(p string) string { return values[p] }))
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	}
	object := map[string]any{}
	for name, field := range c.Fields {
		put(object, strings.Split(name, "."), fill(field, func(p string) string { return values[p] }))
	}
	if body, err = json.Marshal(object); err != nil {
		return nil, "", errors.New("gateway: the message cannot be written")
	}
	return body, "application/json", nil
}

// put sets the value at a path of names.
func put(object map[string]any, path []string, value string) {
	for _, name := range path[:len(path)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = value
}
