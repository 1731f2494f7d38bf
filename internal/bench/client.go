package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// conn is one client with one kept-alive HTTP/1.1 connection. It does less than
// net/http's client does, because the load generator shares the machine's cores
// with what it measures, as pgbench (a C program) does beside PostgreSQL.
type conn struct {
	c    net.Conn
	r    *bufio.Reader
	head []byte // request line and the headers that never change
	out  []byte
	body []byte
}

// patience bounds one request.
const patience = 20 * time.Second

var errAnswer = errors.New("the server's answer could not be read")

// dial opens a client's connection that posts to path with a bearer token.
func dial(addr, path, token string) (*conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	head := "POST " + path + " HTTP/1.1\r\nHost: " + addr + "\r\nAuthorization: Bearer " + token +
		"\r\nContent-Type: application/json\r\nIdempotency-Key: "
	return &conn{c: c, r: bufio.NewReaderSize(c, 8<<10), head: []byte(head)}, nil
}

func (c *conn) close() { c.c.Close() }

// post sends one request and gives the answer, whose body is good until the next call.
func (c *conn) post(key, body []byte) (status int, answer []byte, err error) {
	c.out = append(c.out[:0], c.head...)
	c.out = append(c.out, key...)
	c.out = append(c.out, "\r\nContent-Length: "...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(c.out, "\r\n\r\n"...)
	c.out = append(c.out, body...)
	if err := c.c.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, err
	}
	if _, err := c.c.Write(c.out); err != nil {
		return 0, nil, err
	}
	return c.read()
}

func (c *conn) read() (status int, answer []byte, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, nil, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, errAnswer
	}
	length := -1
	for {
		if line, err = c.r.ReadSlice('\n'); err != nil {
			return 0, nil, err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, errAnswer
			}
		}
	}
	if length < 0 || length > 1<<20 {
		return 0, nil, fmt.Errorf("%w: status %d without a length", errAnswer, status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	_, err = io.ReadFull(c.r, c.body)
	return status, c.body, err
}
