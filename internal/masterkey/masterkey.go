// Package masterkey holds the one secret that wraps all others: an AEAD key
// that seals secrets at rest, and a PRF key that makes keyed fingerprints of
// them. Both are Tink keysets in one file that only the service may read.
//
// Whoever has this file and the database has everything; whoever has the
// database alone has no signing key, no account number and no code. So the file
// is kept apart from the database's backups.
package masterkey

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"standfast/internal/fault"
)

// Key is a master key in memory. It is safe for use by many goroutines.
type Key struct {
	aead tink.AEAD
	prf  *prf.Set
	demo bool
}

// file is the form on disk. Tink's own JSON stands inside it.
type file struct {
	Format string          `json:"format"`
	Note   string          `json:"note"`
	AEAD   json.RawMessage `json:"aead"`
	PRF    json.RawMessage `json:"prf"`
}

const (
	format = "standfast-master-key-1"
	note   = "This is the secret that protects all others. Keep it readable to the service alone, and a copy of it apart from the database's backups."

	fingerprintSize = 32      // bytes
	maxFile         = 1 << 20 // bytes; a real one has about 1,000
)

//go:embed demo.json
var demoFile []byte

// Demo gives the key of demos that keep no folder. It is published with the
// source, so it protects nothing; production refuses it (see IsDemo).
func Demo() *Key {
	k, err := parse(demoFile)
	if err != nil {
		panic("masterkey: the embedded demo key cannot be read: " + err.Error()) // a build that no test has seen
	}
	return k
}

// Create makes a new key in a new file that only its owner may read. It never
// replaces a file: a lost master key cannot be made again.
func Create(path string) (*Key, error) {
	data, err := generate()
	if err != nil {
		return nil, unusable(path, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fault.Wrap(fault.Conflict, "masterkey.exists", "There is a master key already. It is never replaced, because everything sealed under it would be lost.", err)
	}
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := writeThrough(f, data); err != nil {
		return nil, unusable(path, errors.Join(err, os.Remove(path)))
	}
	return Load(path)
}

// writeThrough returns once the data would survive a power cut.
func writeThrough(f *os.File, data []byte) error {
	_, err := f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// private tells whether nobody but us reads a file. One of root's may be read by
// its group too, as PostgreSQL has it: so orchestrators hand secrets to a process
// that is not root.
func private(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid == 0 && os.Geteuid() != 0 {
		return mode&^0o640 == 0
	}
	return mode&0o077 == 0
}

// Load reads a file that Create made. It refuses one that others may read.
func Load(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	if !private(info) {
		return nil, unusable(path, fmt.Errorf("others may read it (mode %04o); run: chmod 600", info.Mode().Perm()))
	}
	if info.Size() > maxFile {
		return nil, unusable(path, errors.New("too large to be a master key"))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, unusable(path, err)
	}
	k, err := parse(data)
	if err != nil {
		return nil, unusable(path, err)
	}
	return k, nil
}

func unusable(path string, err error) error {
	return fault.Wrap(fault.Unavailable, "masterkey.unusable", "The master key cannot be used.", fmt.Errorf("master key %s: %w", path, err))
}

func generate() ([]byte, error) {
	sealing, err := newKeyset(keyset.NewHandle(aead.XAES256GCM192BitNonceKeyTemplate()))
	if err != nil {
		return nil, err
	}
	fingerprints, err := newKeyset(keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate()))
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(file{Format: format, Note: note, AEAD: sealing, PRF: fingerprints}, "", "  ")
}

func newKeyset(h *keyset.Handle, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b))
	return b.Bytes(), err
}

// parse reads a file's contents. Its errors never hold key material.
func parse(data []byte) (*Key, error) {
	var f file
	if err := json.Unmarshal(data, &f); err != nil || f.Format != format {
		return nil, errors.New("not a master key file")
	}
	k := &Key{demo: bytes.Contains(demoFile, []byte(primaryMaterial(f.PRF)))}
	h, err := readKeyset(f.AEAD)
	if err != nil {
		return nil, errors.New("its AEAD keyset cannot be read")
	}
	if k.aead, err = aead.New(h); err != nil {
		return nil, errors.New("its AEAD keyset cannot be used")
	}
	if h, err = readKeyset(f.PRF); err != nil {
		return nil, errors.New("its PRF keyset cannot be read")
	}
	if k.prf, err = prf.NewPRFSet(h); err != nil {
		return nil, errors.New("its PRF keyset cannot be used")
	}
	return k, nil
}

// primaryMaterial gives what is secret in a keyset's first key, as it is written.
func primaryMaterial(raw json.RawMessage) string {
	var ks struct {
		Key []struct {
			KeyData struct{ Value string }
		}
	}
	if err := json.Unmarshal(raw, &ks); err != nil || len(ks.Key) == 0 {
		return "none"
	}
	return ks.Key[0].KeyData.Value
}

func readKeyset(raw json.RawMessage) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
}

// IsDemo tells whether this is the published key of demos.
func (k *Key) IsDemo() bool { return k.demo }

// Seal encrypts a secret. Only Open with the same context, which says what the
// secret is and whose, as "signin.key/<id>", gives it back: a sealed value moved
// to another row stays shut.
func (k *Key) Seal(plain, context []byte) ([]byte, error) {
	sealed, err := k.aead.Encrypt(plain, context)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "masterkey.seal", "Something went wrong on our side.", err)
	}
	return sealed, nil
}

// Open decrypts what Seal gave for the same context.
func (k *Key) Open(sealed, context []byte) ([]byte, error) {
	plain, err := k.aead.Decrypt(sealed, context)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "masterkey.open", "Something went wrong on our side.", fmt.Errorf("%s was sealed under another master key, or changed: %w", context, err))
	}
	return plain, nil
}

// Fingerprint gives 32 bytes that are equal for equal data in the same context
// and say nothing to whoever does not have the key.
func (k *Key) Fingerprint(context string, data []byte) []byte {
	in := binary.BigEndian.AppendUint32(nil, uint32(len(context)))
	in = append(append(in, context...), data...)
	out, err := k.prf.ComputePrimaryPRF(in, fingerprintSize)
	if err != nil {
		panic("masterkey: " + err.Error()) // only a keyset without a primary key, which parse refused, or a longer output
	}
	return out
}
