package pattern

import (
	"context"
	"database/sql"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"shop.example/apps/service"
)

// Rows: rows left open, with a query that has no context.
//
// Open rows hold their connection and block nothing. When the pool has given
// out its last one, every later handler waits in (*DB).conn, for ever: they are
// what grows.
var Rows = service.Pattern{
	Name: "db-rows",
	Leaking: func(_ context.Context, needs service.Needs) (http.Handler, error) {
		return querying(needs.Postgres, 10, ordersLeaking)
	},
	Fixed: func(_ context.Context, needs service.Needs) (http.Handler, error) {
		return querying(needs.Postgres, 10, ordersFixed)
	},
}

func ordersLeaking(_ context.Context, db *sql.DB, unlucky bool) error {
	rows, err := db.Query(selectOrders) // leak: database
	if err != nil {
		return err
	}
	if unlucky {
		return errSoldOut // before Close is deferred
	}
	defer rows.Close()
	return scan(rows)
}

func ordersFixed(ctx context.Context, db *sql.DB, unlucky bool) error {
	rows, err := db.QueryContext(ctx, selectOrders)
	if err != nil {
		return err
	}
	defer rows.Close()
	if unlucky {
		return errSoldOut
	}
	return scan(rows)
}

// Transaction: a transaction left open.
//
// What grows: (*Tx).awaitDone, one for each transaction even without a context
// of the caller's, and PostgreSQL's connections. No frame of it is the user's.
var Transaction = service.Pattern{
	Name: "db-tx",
	Leaking: func(_ context.Context, needs service.Needs) (http.Handler, error) {
		return querying(needs.Postgres, 0, payLeaking)
	},
	Fixed: func(_ context.Context, needs service.Needs) (http.Handler, error) {
		return querying(needs.Postgres, 0, payFixed)
	},
}

func payLeaking(_ context.Context, db *sql.DB, unlucky bool) error {
	tx, err := db.Begin() // leak: database
	if err != nil {
		return err
	}
	if _, err := tx.Exec(selectOne); err != nil {
		return err
	}
	if unlucky {
		return errSoldOut // neither Commit nor Rollback
	}
	return tx.Commit()
}

func payFixed(ctx context.Context, db *sql.DB, unlucky bool) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, selectOne); err != nil {
		return err
	}
	if unlucky {
		return errSoldOut
	}
	return tx.Commit()
}

// Pool: pgx connections not released.
//
// What grows: every later handler, waiting for a connection in puddle's
// semaphore. They wait with the context of the service, which does not end.
var Pool = service.Pattern{
	Name: "pgx-pool",
	Leaking: func(ctx context.Context, needs service.Needs) (http.Handler, error) {
		return pooling(ctx, needs.Postgres, invoiceLeaking)
	},
	Fixed: func(ctx context.Context, needs service.Needs) (http.Handler, error) {
		return pooling(ctx, needs.Postgres, invoiceFixed)
	},
}

func invoiceLeaking(ctx context.Context, pool *pgxpool.Pool, unlucky bool) error {
	conn, err := pool.Acquire(ctx) // leak: database
	if err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, selectOne); err != nil {
		return err
	}
	if unlucky {
		return errSoldOut // without Release
	}
	conn.Release()
	return nil
}

func invoiceFixed(ctx context.Context, pool *pgxpool.Pool, unlucky bool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, selectOne); err != nil {
		return err
	}
	if unlucky {
		return errSoldOut
	}
	return nil
}

const (
	selectOrders = "SELECT n, repeat('x', 100) FROM generate_series(1, 50) AS n"
	selectOne    = "SELECT 1"
)

func scan(rows *sql.Rows) error {
	for rows.Next() {
		var n int
		var text string
		if err := rows.Scan(&n, &text); err != nil {
			return err
		}
	}
	return rows.Err()
}

// querying opens at most that many connections; 0: as many as are asked for.
func querying(postgres string, most int, query func(context.Context, *sql.DB, bool) error) (http.Handler, error) {
	db, err := sql.Open("pgx", postgres)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := query(r.Context(), db, service.Unlucky(r)); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	}), db.Ping()
}

func pooling(ctx context.Context, postgres string, query func(context.Context, *pgxpool.Pool, bool) error) (http.Handler, error) {
	config, err := pgxpool.ParseConfig(postgres)
	if err != nil {
		return nil, err
	}
	config.MaxConns = 10
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := query(ctx, pool, service.Unlucky(r)); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	}), pool.Ping(ctx)
}
