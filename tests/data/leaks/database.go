package main

import (
	"context"
	"database/sql"
	"log"

	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "github.com/lib/pq"
)

func open(driver, url string, most int) *sql.DB {
	db, err := sql.Open(driver, url)
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(most)
	return db
}

// 4: rows and transactions that nobody closes.
func fetchStats(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	_ = cancel
	rows, err := db.QueryContext(ctx, "SELECT generate_series(1, 1000)")
	if err != nil {
		return err
	}
	rows.Next()
	return nil
}

func beginOrder(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithCancel(ctx)
	_ = cancel
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "SELECT 1")
	return err
}

// Waits for a connection that is never given back.
func queryStarved(ctx context.Context, db *sql.DB) error {
	return db.QueryRowContext(ctx, "SELECT 1").Scan(new(int))
}

func openPerRequest(ctx context.Context, url string) error {
	db, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	return db.PingContext(ctx)
}

func acquire(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	return conn.Ping(ctx)
}

func poolPerRequest(ctx context.Context, url string) error {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return err
	}
	return pool.Ping(ctx)
}

func slowQuery(db *sql.DB) error {
	_, err := db.Exec("SELECT pg_sleep(3600)")
	return err
}

func databaseLeaks(url string) []leak {
	rows, tx := open("pgx", url, 20), open("pgx", url, 20)
	prows, ptx := open("postgres", url+"?sslmode=disable", 20), open("postgres", url+"?sslmode=disable", 20)
	slow := open("pgx", url, 20)
	one := open("pgx", url, 1)
	_ = fetchStats(context.Background(), one)
	pool, err := pgxpool.New(context.Background(), url+"?pool_max_conns=2")
	if err != nil {
		log.Fatal(err)
	}
	return []leak{
		{"sql-rows", func(ctx context.Context) { _ = fetchStats(ctx, rows) }},
		{"sql-tx", func(ctx context.Context) { _ = beginOrder(ctx, tx) }},
		{"sql-rows-pq", func(ctx context.Context) { _ = fetchStats(ctx, prows) }},
		{"sql-tx-pq", func(ctx context.Context) { _ = beginOrder(ctx, ptx) }},
		{"sql-starved", func(ctx context.Context) { _ = queryStarved(ctx, one) }},
		{"sql-open", func(ctx context.Context) { _ = openPerRequest(ctx, url) }},
		{"sql-slow", func(ctx context.Context) { _ = slowQuery(slow) }},
		{"pgx-acquire", func(ctx context.Context) { _ = acquire(ctx, pool) }},
		{"pgx-pool", func(ctx context.Context) { _ = poolPerRequest(ctx, url) }},
	}
}
