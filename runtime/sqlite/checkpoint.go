package sqlite

type checkpointer struct{}
