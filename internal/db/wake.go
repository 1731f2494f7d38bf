package db

// Wake hurries, once the transaction has committed, whoever of this process
// waits on Woken(name). Other processes learn nothing of it, and it may be lost
// in a crash, so the work itself must also be found by looking now and then.
func (tx *Tx) Wake(name string) {
	tx.AfterCommit(func() { tx.db.Wake(name) })
}

// Woken gives the channel that receives after commits that called Wake(name).
// Several wakes before anybody looks are one.
func (d *DB) Woken(name string) <-chan struct{} { return d.wakeup(name) }

// Wake hurries at once; inside a transaction use Tx.Wake.
func (d *DB) Wake(name string) {
	select {
	case d.wakeup(name) <- struct{}{}:
	default: // somebody is about to look anyway
	}
}

func (d *DB) wakeup(name string) chan struct{} {
	if c, ok := d.wakeups.Load(name); ok {
		return c.(chan struct{})
	}
	c, _ := d.wakeups.LoadOrStore(name, make(chan struct{}, 1))
	return c.(chan struct{})
}
