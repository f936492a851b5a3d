/* The storage of a limit: prepared statements, and one transaction for all messages until commit().
 *
 * bench/sides.py creates the database with our schema, so tables and indexes are the same. Like the server, this uses
 * prepared statements, a write-ahead log and synchronous = FULL.
 */
#define _GNU_SOURCE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *database;
static sqlite3_stmt *begin, *insert, *end;
static int in_transaction;

static void check(int result, int expected) {
    if (result == expected) return;
    fprintf(stderr, "limit_db: %s\n", sqlite3_errmsg(database));
    exit(1);
}

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *made;
    check(sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, NULL), SQLITE_OK);
    return made;
}

static void run(sqlite3_stmt *statement) {
    check(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_reset(statement);
}

void open_database(const char *path) {
    check(sqlite3_open(path, &database), SQLITE_OK);
    check(sqlite3_exec(database, "PRAGMA synchronous = FULL", NULL, NULL, NULL), SQLITE_OK);
    begin = prepared("BEGIN IMMEDIATE");
    insert = prepared("INSERT INTO message (at, author, author_identity, channel, text, nonce, author_key, folded)"
                      " VALUES (?1, ?2, ?5, 'lobby', ?3, ?4, ?2, ?3)");
    end = prepared("COMMIT");
}

/* Binds the value of a string field of a JSON frame, which has no escapes. */
static void bind(int number, unsigned char *text, size_t length, const char *field) {
    unsigned char *value = memmem(text, length, field, strlen(field));
    if (!value) { fprintf(stderr, "limit_db: a frame without %s\n", field); exit(1); }
    value += strlen(field);
    unsigned char *quote = memchr(value, '"', text + length - value);
    sqlite3_bind_text(insert, number, (char *)value, quote ? quote - value : 0, SQLITE_TRANSIENT);
}

void store(int author, unsigned char *text, size_t length) {
    if (!in_transaction) run(begin);
    in_transaction = 1;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    sqlite3_bind_int64(insert, 1, now.tv_sec * 1000ll + now.tv_nsec / 1000000);
    bind(2, text, length, "\"username\":\"");
    bind(3, text, length, "\"message\":\"");
    bind(4, text, length, "\"nonce\":\"");
    /* An identity for each client, so that the index of nonces is written in as many places as the server's. */
    char identity[33];
    snprintf(identity, sizeof identity, "%016llx%016x", author * 0x9e3779b97f4a7c15ull, author);
    sqlite3_bind_text(insert, 5, identity, -1, SQLITE_TRANSIENT);
    run(insert);
}

void commit(void) {
    run(end);
    in_transaction = 0;
}
