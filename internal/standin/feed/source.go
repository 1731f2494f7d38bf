package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"standfast/internal/fault"
)

const (
	pollWait    = 5 * time.Second  // how long core may hold a page that would be empty
	pageLimit   = 1000             // items of a page
	maxPage     = 64 << 20         // bytes of a page
	pageTimeout = 10 * time.Second // beyond the wait
	snapTimeout = 10 * time.Minute
)

// Source is core's internal listener.
type Source struct {
	URL    string // its origin
	Client *http.Client
}

// Page asks for the changes after a cursor, with their signature.
func (s Source) Page(ctx context.Context, after string, wait time.Duration) (signature string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, wait+pageTimeout)
	defer cancel()
	q := url.Values{"after": {after}, "limit": {strconv.Itoa(pageLimit)}, "wait": {strconv.Itoa(int(wait / time.Second))}}
	res, err := s.get(ctx, "/internal/v1/feed?"+q.Encode())
	if err != nil {
		return "", nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, maxPage+1))
	if err == nil && len(body) > maxPage {
		err = fmt.Errorf("over %d bytes", maxPage)
	}
	if err != nil {
		return "", nil, away(err)
	}
	return res.Header.Get("Standfast-Signature"), body, nil
}

// Snapshot asks for everything. The caller closes it.
func (s Source) Snapshot(ctx context.Context) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(ctx, snapTimeout)
	res, err := s.get(ctx, "/internal/v1/feed/snapshot")
	if err != nil {
		cancel()
		return nil, err
	}
	return bounded{res.Body, cancel}, nil
}

// bounded ends its deadline together with its body.
type bounded struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b bounded) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

func (s Source) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.URL, "/")+path, nil)
	if err != nil {
		return nil, away(err)
	}
	if t, ok := ctx.Deadline(); ok {
		req.Header.Set("Standfast-Deadline", strconv.FormatInt(time.Until(t).Milliseconds(), 10))
	}
	res, err := s.Client.Do(req) // gzip is asked for and undone by the transport
	if err != nil {
		return nil, away(err)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close()
	return nil, answered(res)
}

// answered is the error that core's answer means.
func answered(res *http.Response) error {
	var p struct{ Type, Detail string }
	_ = json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&p) // an answer without a problem has its status
	if res.StatusCode == http.StatusGone {
		return refuse(CodeGone, "Core no longer has what follows our cursor.")
	}
	return away(fmt.Errorf("core answered %d %s %s", res.StatusCode, p.Type, p.Detail))
}

func away(err error) error {
	return fault.Wrap(fault.Unavailable, CodeAway, "Core's feed does not answer.", err)
}
