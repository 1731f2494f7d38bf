package contract

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// keepsToDocument holds one answer to what the OpenAPI document says of it: its
// status is named, and its body has the fields that the schema has, no others,
// and none of the required ones missing.
func (h *house) keepsToDocument(r *http.Request, a answer) {
	h.t.Helper()
	op := h.operation(r.Method, r.URL.Path)
	if op == nil {
		return // no call of the document; whether it should be one is for other tests
	}
	responses := op["responses"].(object)
	said, ok := responses[strconv.Itoa(a.status)].(object)
	if !ok {
		h.t.Errorf("%s answered %d, which the document does not name: %s", a.what, a.status, a.text)
		return
	}
	content, _ := said["content"].(object)
	if (len(content) > 0) != (len(a.text) > 0) {
		h.t.Errorf("%s answered %d with %q, the document says %v", a.what, a.status, a.text, content)
	}
	for kind, c := range content {
		if kind == a.header.Get("Content-Type") {
			h.fits(a.what, c.(object)["schema"].(object), a.body)
		} else {
			h.t.Errorf("%s answered as %s, the document says %s", a.what, a.header.Get("Content-Type"), kind)
		}
	}
}

// operation finds a call of the document by a request's path.
func (h *house) operation(method, path string) object {
	got := strings.Split(path, "/")
	for pattern, methods := range h.doc["paths"].(object) {
		want := strings.Split(pattern, "/")
		if len(want) != len(got) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == got[i] || strings.HasPrefix(want[i], "{"))
		}
		if op, ok := methods.(object)[strings.ToLower(method)].(object); same && ok {
			return op
		}
	}
	return nil
}

func (h *house) fits(at string, schema object, v any) {
	h.t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = h.doc["components"].(object)["schemas"].(object)[strings.TrimPrefix(ref, "#/components/schemas/")].(object)
	}
	switch v := v.(type) {
	case object:
		h.fitsObject(at, schema, v)
	case []any:
		items, ok := schema["items"].(object)
		if !ok {
			h.t.Errorf("%s is a list, the document says %v", at, schema["type"])
			return
		}
		for i, x := range v {
			h.fits(at+"["+strconv.Itoa(i)+"]", items, x)
		}
	case string:
		fitsEnum(h.t, at, schema, v)
	case nil:
		h.t.Errorf("%s is null", at)
	}
}

func (h *house) fitsObject(at string, schema, v object) {
	h.t.Helper()
	properties, ok := schema["properties"].(object)
	if !ok && schema["additionalProperties"] != nil && schema["additionalProperties"] != false {
		return // an object of another standard's form
	}
	if !ok {
		h.t.Errorf("%s is an object, the document says %v", at, schema["type"])
		return
	}
	for name, x := range v {
		if p, ok := properties[name].(object); ok {
			h.fits(at+"."+name, p, x)
		} else if schema["additionalProperties"] == false {
			h.t.Errorf("%s has %s, which the document does not name", at, name)
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			h.t.Errorf("%s lacks %s", at, name)
		}
	}
}

func fitsEnum(t testing.TB, at string, schema object, v string) {
	t.Helper()
	enum, ok := schema["enum"].([]any)
	if !ok {
		return
	}
	for _, one := range enum {
		if one == v {
			return
		}
	}
	t.Errorf("%s is %q, the document says %v", at, v, enum)
}
